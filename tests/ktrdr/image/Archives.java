package ktrdr.image;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import ktrdr.Json;
import ktrdr.Sha256;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;

/**
 * Archives of images as tests need them, in the forms that were seen: of {@code docker save} 20.10 (a folder for each
 * layer, manifest.json, a link where a layer occurs again) and of an OCI image layout (OCI image specification 1.1).
 */
public final class Archives {
    private final Map<String, byte[]> files = new LinkedHashMap<>();
    private final Map<String, String> links = new LinkedHashMap<>();

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static String digest(byte[] bytes) {
        return "sha256:" + Sha256.hex(bytes);
    }

    static byte[] gzip(byte[] bytes) {
        var packed = new ByteArrayOutputStream();
        try (var gzip = new GZIPOutputStream(packed)) {
            gzip.write(bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return packed.toByteArray();
    }

    /** A configuration of layers with these contents, each of which stands for a tar. */
    static byte[] config(String platform, String command, List<String> layers) {
        var parts = platform.split("/");
        return bytes(Json.line(Map.of("os", parts[0], "architecture", parts[1], "config",
                Map.of("Cmd", List.of(command.split(" "))), "rootfs",
                Map.of("type", "layers", "diff_ids", layers.stream().map(text -> digest(bytes(text))).toList()))));
    }

    Archives file(String name, byte[] content) {
        files.put(name, content);
        return this;
    }

    Archives link(String name, String target) {
        links.put(name, target);
        return this;
    }

    /** As Docker before 25.0 saves an image. */
    public static Archives saved(String name, List<String> layers) {
        var config = config("linux/amd64", "python -m uvicorn ktrdr.api.main:app", layers);
        var archive = new Archives();
        for (int i = 0; i < layers.size(); i++) archive.file("layer" + i + "/layer.tar", bytes(layers.get(i)));
        var item = new LinkedHashMap<String, Object>(Map.of("Config", "c.json", "Layers",
                layers.stream().map(layer -> "layer" + layers.indexOf(layer) + "/layer.tar").toList()));
        item.put("RepoTags", name.isEmpty() ? null : List.of(name));
        return archive.file("c.json", config).file("manifest.json", bytes(Json.line(List.of(item))));
    }

    /** Adds content of a layout under its digest; answers its descriptor. */
    Map<String, Object> blob(String type, byte[] content) {
        file("blobs/" + digest(content).replace(':', '/'), content);
        return ArchiveIndex.descriptor(type, digest(content), content.length);
    }

    /** Adds an image of a layout whose layers are compressed; answers the descriptor of its manifest. */
    public Map<String, Object> image(String platform, List<String> layers) {
        var config = blob(ArchiveIndex.CONFIG, config(platform, "python", layers));
        var listed = layers.stream().map(text -> blob("application/vnd.oci.image.layer.v1.tar+gzip",
                gzip(bytes(text)))).toList();
        return blob(ArchiveIndex.MANIFEST, bytes(Json.line(Map.of("schemaVersion", 2, "mediaType",
                ArchiveIndex.MANIFEST, "config", config, "layers", listed))));
    }

    /** The layout's index, with a name where it is not empty. */
    public Archives index(String name, Map<String, Object> entry) {
        var named = new LinkedHashMap<>(entry);
        if (!name.isEmpty()) named.put("annotations", Map.of("io.containerd.image.name", name));
        return file("oci-layout", bytes("{\"imageLayoutVersion\":\"1.0.0\"}")).file("index.json",
                bytes(Json.line(Map.of("schemaVersion", 2, "manifests", List.of(named)))));
    }

    byte[] tar() {
        var bytes = new ByteArrayOutputStream();
        try (var tar = new TarArchiveOutputStream(bytes)) {
            for (var file : files.entrySet()) {
                var entry = new TarArchiveEntry(file.getKey());
                entry.setSize(file.getValue().length);
                tar.putArchiveEntry(entry);
                tar.write(file.getValue());
                tar.closeArchiveEntry();
            }
            for (var link : links.entrySet()) {
                var entry = new TarArchiveEntry(link.getKey(), TarConstants.LF_SYMLINK);
                entry.setLinkName(link.getValue());
                tar.putArchiveEntry(entry);
                tar.closeArchiveEntry();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    public Path in(Path folder) throws IOException {
        return Files.write(folder.resolve("image.tar"), tar());
    }
}
