package ktrdr.image;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import ktrdr.Json;
import ktrdr.Sha256;

/**
 * An image of an archive, for one platform.
 *
 * @param platform such as linux/amd64
 * @param config its configuration, as it is; {@code manifest} the list of its layers, of the media type {@code type}
 *     (OCI image specification, or Docker's schema 2)
 * @param layers from the lowest up
 */
public record ArchivedImage(String platform, byte[] config, byte[] manifest, String type, List<Layer> layers) {
    /**
     * A layer.
     *
     * @param digest of the layer as it is in the archive, "sha256:…"; {@code diff} that of its files as a tar, which
     *     differs where it is compressed
     * @param bytes as it is in the archive
     * @param at where its bytes are; null if the archive does not have it
     */
    public record Layer(String digest, String diff, long bytes, ImageArchive.Slice at) {
        /** Whether it is a plain tar. */
        boolean plain() {
            return digest.equals(diff);
        }
    }

    /** The digest of its configuration, which is its id in Docker's classic image store. */
    public String digest() {
        return "sha256:" + Sha256.hex(config);
    }

    /** The digest of its manifest, which is its id in containerd's image store. */
    public String manifestDigest() {
        return "sha256:" + Sha256.hex(manifest);
    }

    /** What a container of it starts, in a form that can be compared: see {@link NodeImages}. */
    public String starts() {
        return starts(Json.parse(new String(config, StandardCharsets.UTF_8), "the image").path("config"));
    }

    /** The same of the settings of an image, as Docker and OCI name them; null, missing and empty are the same. */
    static String starts(JsonNode settings) {
        var ports = StreamSupport.stream(((Iterable<String>) settings.path("ExposedPorts")::fieldNames).spliterator(),
                false).sorted().toList();
        return String.join(" | ", words(settings.path("Entrypoint")), words(settings.path("Cmd")),
                settings.path("WorkingDir").isNull() ? "" : settings.path("WorkingDir").asText(),
                String.join(" ", ports));
    }

    private static String words(JsonNode list) {
        return String.join(" ", StreamSupport.stream(list.spliterator(), false).map(JsonNode::asText).toList());
    }

    /**
     * The layers that a node lacks which has images of these layers: each from the lowest up, by {@code diff}. A layer
     * counts as there only upon the same ones below it, as Docker keeps them.
     */
    public List<Layer> lacking(List<List<String>> there) {
        int most = there.stream().mapToInt(this::common).max().orElse(0);
        return layers.subList(most, layers.size());
    }

    private int common(List<String> other) {
        int least = Math.min(layers.size(), other.size());
        return IntStream.range(0, least).filter(i -> !layers.get(i).diff().equals(other.get(i))).findFirst()
                .orElse(least);
    }
}
