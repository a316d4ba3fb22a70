package ktrdr.image;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.LongConsumer;
import java.util.zip.GZIPOutputStream;
import ktrdr.Json;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;

/**
 * Images on their way to a node: an archive for {@code docker load} that leaves out layers which the node has.
 *
 * It is an OCI image layout, which containerd's image store reads, with Docker's manifest.json, which the classic store
 * reads; both look for a layer in the archive only if they do not have it upon the same layers. Tried with Docker 26.1.
 *
 * @param images by the reference that each gets
 * @param layers that are sent
 */
public record ImageStream(Map<String, ArchivedImage> images, Set<ArchivedImage.Layer> layers) {
    /** On an ssh connection within a house the slower levels take longer than what they save. */
    private static final int LEVEL = 1;
    private static final String LAYOUT = "{\"imageLayoutVersion\":\"1.0.0\"}";

    /** What travels of layers before compression, in bytes. */
    public long bytes() {
        return layers.stream().mapToLong(ArchivedImage.Layer::bytes).sum();
    }

    /** Writes it, compressed, and reports how many bytes of layers it has so far. */
    public void write(OutputStream target, LongConsumer copied) throws IOException {
        var packed = new GZIPOutputStream(target, 256 << 10) {
            {
                def.setLevel(LEVEL);
            }
        };
        var tar = new TarArchiveOutputStream(packed);
        var written = new HashSet<String>();
        long done = 0;
        for (var layer : layers) if (written.add(layer.digest())) {
            long before = done;
            entry(tar, ArchiveIndex.path(layer.digest()), layer.bytes());
            layer.at().copy(tar, part -> copied.accept(before + part));
            tar.closeArchiveEntry();
            done += layer.bytes();
        }
        for (var image : images.values()) {
            if (written.add(image.digest())) put(tar, ArchiveIndex.path(image.digest()), image.config());
            if (written.add(image.manifestDigest()))
                put(tar, ArchiveIndex.path(image.manifestDigest()), image.manifest());
        }
        put(tar, "oci-layout", LAYOUT.getBytes(StandardCharsets.UTF_8));
        put(tar, "index.json", json(Map.of("schemaVersion", 2, "manifests", index())));
        put(tar, "manifest.json", json(docker()));
        tar.finish();
        packed.finish();
    }

    private List<Map<String, Object>> index() {
        var entries = new ArrayList<Map<String, Object>>();
        images.forEach((reference, image) -> {
            var entry = ArchiveIndex.descriptor(image.type(), image.manifestDigest(), image.manifest().length);
            entry.put("annotations", Map.of("io.containerd.image.name", reference,
                    "org.opencontainers.image.ref.name", reference.substring(reference.lastIndexOf(':') + 1)));
            entries.add(entry);
        });
        return entries;
    }

    private List<Map<String, Object>> docker() {
        var items = new ArrayList<Map<String, Object>>();
        images.forEach((reference, image) -> {
            var item = new LinkedHashMap<String, Object>();
            item.put("Config", ArchiveIndex.path(image.digest()));
            item.put("RepoTags", List.of(reference));
            item.put("Layers", image.layers().stream().map(layer -> ArchiveIndex.path(layer.digest())).toList());
            items.add(item);
        });
        return items;
    }

    private static byte[] json(Object document) {
        return Json.line(document).getBytes(StandardCharsets.UTF_8);
    }

    private static void put(TarArchiveOutputStream tar, String name, byte[] bytes) throws IOException {
        entry(tar, name, bytes.length);
        tar.write(bytes);
        tar.closeArchiveEntry();
    }

    private static void entry(TarArchiveOutputStream tar, String name, long bytes) throws IOException {
        var entry = new TarArchiveEntry(name);
        entry.setSize(bytes);
        entry.setModTime(0);
        tar.putArchiveEntry(entry);
    }
}
