package ktrdr.image;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import ktrdr.Json;
import ktrdr.Problem;
import ktrdr.Sha256;

/**
 * What an archive holds, by its documents: the index.json of an OCI image layout (OCI image specification, "Image
 * Layout"), which {@code docker save} writes from 25.0 on, else Docker's manifest.json.
 */
record ArchiveIndex(ImageArchive archive) {
    static final String MANIFEST = "application/vnd.oci.image.manifest.v1+json";
    static final String CONFIG = "application/vnd.oci.image.config.v1+json";
    private static final String LAYER = "application/vnd.oci.image.layer.v1.tar";
    /** Lists of lists of platforms end somewhere. */
    private static final int DEPTH = 4;

    /** Each image once, with all of its names. */
    List<GivenImage> images() {
        var found = new LinkedHashMap<List<String>, GivenImage>();
        Stream.concat(layout(), docker()).filter(image -> !image.platforms().isEmpty()).forEach(image ->
                found.merge(image.platforms().stream().map(ArchivedImage::digest).sorted().toList(), image,
                        ArchiveIndex::together));
        return List.copyOf(found.values());
    }

    private static GivenImage together(GivenImage first, GivenImage second) {
        var names = new LinkedHashSet<>(first.names());
        names.addAll(second.names());
        return new GivenImage(List.copyOf(names), first.from(), first.platforms());
    }

    private Stream<GivenImage> layout() {
        return document("index.json").stream().flatMap(index -> stream(index.path("manifests"))).map(entry ->
                new GivenImage(name(entry.path("annotations")), archive.words(), leaves(entry, DEPTH)));
    }

    private static List<String> name(JsonNode annotations) {
        var name = annotations.path("io.containerd.image.name").asText();
        var other = annotations.path("org.opencontainers.image.ref.name").asText();
        return Stream.of(name, other).filter(text -> text.matches(".*[:/].*")).findFirst().map(ArchiveIndex::familiar)
                .stream().toList();
    }

    /** As Docker prints it. */
    private static String familiar(String name) {
        return name.replaceFirst("^docker\\.io/(library/)?", "");
    }

    /** The images below an entry of an index; other things, such as attestations, are none. */
    private List<ArchivedImage> leaves(JsonNode entry, int depth) {
        var digest = entry.path("digest").asText();
        if (depth == 0 || entry.path("annotations").has("vnd.docker.reference.type")) return List.of();
        var bytes = blob(digest);
        if (bytes.isEmpty()) return List.of();
        var manifest = parse(bytes.get());
        if (manifest.has("manifests")) return stream(manifest.path("manifests"))
                .flatMap(below -> leaves(below, depth - 1).stream()).toList();
        var type = manifest.path("mediaType").asText(entry.path("mediaType").asText(MANIFEST));
        return blob(manifest.path("config").path("digest").asText()).flatMap(config ->
                image(config, stream(manifest.path("layers")).toList(), bytes.get(), type)).stream().toList();
    }

    private Optional<ArchivedImage> image(byte[] config, List<JsonNode> listed, byte[] manifest, String type) {
        var diffs = diffs(config);
        if (diffs.isEmpty() || diffs.size() != listed.size()) return Optional.empty();
        var layers = new ArrayList<ArchivedImage.Layer>();
        for (int i = 0; i < diffs.size(); i++) {
            var digest = listed.get(i).path("digest").asText();
            layers.add(new ArchivedImage.Layer(digest, diffs.get(i), listed.get(i).path("size").asLong(),
                    archive.entry(path(digest)).orElse(null)));
        }
        return Optional.of(new ArchivedImage(platform(config), config, manifest, type, layers));
    }

    private Stream<GivenImage> docker() {
        return document("manifest.json").stream().flatMap(ArchiveIndex::stream).map(item -> {
            var names = stream(item.path("RepoTags")).map(JsonNode::asText).map(ArchiveIndex::familiar).toList();
            var config = archive.document(item.path("Config").asText());
            return new GivenImage(names, archive.words(), config.flatMap(bytes -> saved(bytes,
                    stream(item.path("Layers")).map(JsonNode::asText).toList())).stream().toList());
        });
    }

    /** An image of Docker's own format, which has no manifest: it gets the one that its layers make. */
    private Optional<ArchivedImage> saved(byte[] config, List<String> files) {
        var diffs = diffs(config);
        if (diffs.isEmpty() || diffs.size() != files.size()) return Optional.empty();
        var layers = new ArrayList<ArchivedImage.Layer>();
        var listed = new ArrayList<Map<String, Object>>();
        for (int i = 0; i < diffs.size(); i++) {
            var at = archive.entry(files.get(i)).orElse(null);
            var packed = at == null ? "" : packed(at.first(4));
            var digest = packed.isEmpty() ? diffs.get(i) : at.digest();
            long bytes = at == null ? 0 : at.bytes();
            layers.add(new ArchivedImage.Layer(digest, diffs.get(i), bytes, at));
            listed.add(descriptor(LAYER + packed, digest, bytes));
        }
        var fields = new LinkedHashMap<String, Object>();
        fields.put("schemaVersion", 2);
        fields.put("mediaType", MANIFEST);
        fields.put("config", descriptor(CONFIG, "sha256:" + Sha256.hex(config), config.length));
        fields.put("layers", listed);
        return Optional.of(new ArchivedImage(platform(config), config,
                Json.line(fields).getBytes(StandardCharsets.UTF_8), MANIFEST, layers));
    }

    /** By the first bytes: RFC 1952, and RFC 8878. */
    private static String packed(byte[] first) {
        var start = first.length < 4 ? 0 : (first[0] & 0xff) << 24 | (first[1] & 0xff) << 16 | (first[2] & 0xff) << 8
                | first[3] & 0xff;
        return start >>> 16 == 0x1f8b ? "+gzip" : start == 0x28b52ffd ? "+zstd" : "";
    }

    /** A reference to content, as OCI writes it. */
    static Map<String, Object> descriptor(String type, String digest, long bytes) {
        var fields = new LinkedHashMap<String, Object>();
        fields.put("mediaType", type);
        fields.put("digest", digest);
        fields.put("size", bytes);
        return fields;
    }

    private static List<String> diffs(byte[] config) {
        return stream(parse(config).path("rootfs").path("diff_ids")).map(JsonNode::asText).toList();
    }

    private static String platform(byte[] config) {
        var settings = parse(config);
        return settings.path("os").asText() + "/" + settings.path("architecture").asText();
    }

    private Optional<byte[]> blob(String digest) {
        if (!digest.matches("sha256:[0-9a-f]{64}")) return Optional.empty();
        var bytes = archive.document(path(digest));
        bytes.map(found -> "sha256:" + Sha256.hex(found)).filter(found -> !found.equals(digest)).ifPresent(found -> {
            throw ImageArchive.damaged("a document", digest, found);
        });
        return bytes;
    }

    /** Where the layout has content. */
    static String path(String digest) {
        return "blobs/" + digest.replace(':', '/');
    }

    private Optional<JsonNode> document(String name) {
        return archive.document(name).map(ArchiveIndex::parse);
    }

    private static JsonNode parse(byte[] bytes) {
        return Json.read(new String(bytes, StandardCharsets.UTF_8))
                .orElseThrow(() -> Problem.usage("the archive of the image has a damaged document")
                .expected("JSON").found(Sha256.hex(bytes).substring(0, 12) + " is something else"));
    }

    private static Stream<JsonNode> stream(JsonNode list) {
        return StreamSupport.stream(list.spliterator(), false);
    }
}
