package ktrdr.image;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.StreamSupport;
import ktrdr.Facts;
import ktrdr.Json;

/**
 * The images that a node has, as far as an image that is sent to it needs to know.
 *
 * @param platform of its Docker Engine, such as linux/amd64
 * @param containerd whether Docker keeps images in containerd's store, where an image's id is its manifest's digest
 * @param layers of each image, from the lowest up, as digests of plain tars
 * @param starts what a container of each image starts, by the image's id
 */
public record NodeImages(String platform, boolean containerd, List<List<String>> layers, Map<String, String> starts) {
    /**
     * The script that asks. A configuration is asked for whole: a template that names a field ends at the first image
     * whose configuration does not have it.
     */
    public static String script() {
        return Facts.SAY + """
                say platform "$(docker version --format '{{.Server.Os}}/{{.Server.Arch}}')"
                say store "$(docker info --format '{{json .DriverStatus}}')"
                ids=$(docker image ls -aq --no-trunc | sort -u)
                [ -z "$ids" ] || docker image inspect --format \
                '{"id":{{json .Id}},"layers":{{json .RootFS.Layers}},"config":{{json .Config}}}' $ids 2>/dev/null |
                  while IFS= read -r line; do [ -z "$line" ] || say image "$line"; done
                say end yes
                """;
    }

    /** The answer; what is of another form is a {@link ktrdr.Problem}. */
    public static NodeImages parse(String answer) {
        var facts = Facts.parse(answer);
        var images = facts.all("image").stream().map(line -> Json.parse(line, "docker")).toList();
        var starts = new LinkedHashMap<String, String>();
        for (var image : images)
            starts.put(image.path("id").asText(), ArchivedImage.starts(image.path("config")));
        return new NodeImages(facts.get("platform"), facts.get("store").contains("io.containerd.snapshotter"),
                images.stream().map(image -> texts(image.path("layers"))).toList(), starts);
    }

    private static List<String> texts(JsonNode list) {
        return StreamSupport.stream(list.spliterator(), false).map(JsonNode::asText).toList();
    }

    /** The id that an image has on this node once it is there. */
    public String id(ArchivedImage image) {
        return containerd ? image.manifestDigest() : image.digest();
    }

    /** What the images with these ids start. */
    public List<String> starting(Set<String> ids) {
        return starts.entrySet().stream().filter(entry -> ids.contains(entry.getKey())).map(Map.Entry::getValue)
                .distinct().toList();
    }
}
