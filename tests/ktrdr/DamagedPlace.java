package ktrdr;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.util.RawValue;
import java.util.ArrayList;
import java.util.List;

/** An object field or array element that a test damages and then restores. */
record DamagedPlace(JsonNode parent, String field, int at) {
    static List<DamagedPlace> of(JsonNode document) {
        var places = new ArrayList<DamagedPlace>();
        document.properties().forEach(field -> places.add(new DamagedPlace(document, field.getKey(), -1)));
        if (document.isArray())
            for (int i = 0; i < document.size(); i++) places.add(new DamagedPlace(document, null, i));
        for (var place : List.copyOf(places)) places.addAll(of(place.value()));
        return places;
    }

    JsonNode value() {
        return field == null ? parent.get(at) : parent.get(field);
    }

    void put(JsonNode value) {
        if (field == null) ((ArrayNode) parent).set(at, value);
        else ((ObjectNode) parent).set(field, value);
    }

    void take() {
        if (field == null) ((ArrayNode) parent).remove(at);
        else ((ObjectNode) parent).remove(field);
    }

    void putBack(JsonNode value) {
        if (field == null) ((ArrayNode) parent).insert(at, value);
        else ((ObjectNode) parent).set(field, value);
    }

    /** The replacement values. */
    static List<JsonNode> others() {
        var make = JsonNodeFactory.instance;
        var others = new ArrayList<JsonNode>(List.of(make.nullNode(), make.numberNode(7), make.numberNode(-1),
                make.textNode("text"), make.textNode(""), make.textNode("NaN"), make.arrayNode(), make.objectNode(),
                make.booleanNode(true), make.arrayNode().addNull(), make.objectNode()
                        .set("a", make.arrayNode().addNull()), make.textNode("a\nb\r\u001b[2J\u202e\ud800\u0000"),
                make.textNode("/".repeat(10_000) + "x"), make.textNode("1".repeat(2000) + "Z")));
        for (var number : List.of("1e400", "-1e400", "99999999999999999999", "9223372036854775807", "1e-400",
                "9".repeat(900))) others.add(make.rawValueNode(new RawValue(number)));
        return others;
    }
}
