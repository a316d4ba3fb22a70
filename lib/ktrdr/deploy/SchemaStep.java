package ktrdr.deploy;

import java.util.Map;
import ktrdr.report.Document;

/**
 * What a deployment does to the schema of the database.
 *
 * @param words for the user
 * @param image that does it
 */
record SchemaStep(Kind kind, String from, String to, String words, String image) {
    /** {@code later}: decided once the database or the image is there. */
    enum Kind { none, later, upgrade, downgrade }

    boolean moves() {
        return kind == Kind.upgrade || kind == Kind.downgrade;
    }

    Map<String, Object> document() {
        return Document.fields("action", kind.name(), "from", from, "to", to);
    }
}
