package ktrdr.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import ktrdr.Exit;
import ktrdr.Json;
import ktrdr.Problem;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Archives as docker save, buildx and a bad day make them. */
class ImageArchiveTest {
    private static final List<String> LAYERS = List.of("base", "python", "the code");
    @TempDir Path folder;

    private static GivenImage only(Path file) {
        try (var archive = ImageArchive.of(file)) {
            var images = archive.images();
            assertEquals(1, images.size());
            return images.get(0);
        }
    }

    private Problem refused(byte[] content) throws IOException {
        var file = Files.write(folder.resolve("bad.tar"), content);
        return assertThrows(Problem.class, () -> only(file));
    }

    @Test
    void an_image_of_dockers_own_format() throws IOException {
        var image = only(Archives.saved("ktrdr-backend:dev", LAYERS).in(folder));
        assertEquals(List.of("ktrdr-backend:dev"), image.names());
        var one = image.on("linux/amd64").orElseThrow();
        assertEquals(LAYERS.stream().map(text -> Archives.digest(Archives.bytes(text))).toList(),
                one.layers().stream().map(ArchivedImage.Layer::diff).toList());
        assertTrue(one.layers().stream().allMatch(ArchivedImage.Layer::plain));
        assertEquals("", image.on("linux/arm64").map(ArchivedImage::platform).orElse(""));
        assertTrue(one.starts().contains("ktrdr.api.main:app"), one.starts());
    }

    @Test
    void a_layer_that_occurs_again_is_a_link() throws IOException {
        var archive = Archives.saved("a:b", List.of("base", "code"));
        var again = Archives.saved("a:b", List.of("base", "code", "base")).file("layer2/VERSION", new byte[0])
                .link("layer2/layer.tar", "../layer0/layer.tar");
        assertEquals(2, only(archive.in(folder)).platforms().get(0).layers().size());
        var layers = only(again.in(folder)).platforms().get(0).layers();
        assertEquals(layers.get(0).at().from(), layers.get(2).at().from());
    }

    @Test
    void an_image_for_several_platforms() throws IOException {
        var archive = new Archives();
        var list = archive.blob("application/vnd.oci.image.index.v1+json", Archives.bytes(Json.line(Map
                .of("schemaVersion", 2, "manifests", List.of(archive.image("linux/amd64", LAYERS),
                        archive.image("linux/arm64", List.of("other")))))));
        var image = only(archive.index("docker.io/library/ktrdr-backend:dev", list).in(folder));
        assertEquals(List.of("ktrdr-backend:dev"), image.names());
        assertEquals("linux/amd64, linux/arm64", image.made());
        var layer = image.on("linux/amd64").orElseThrow().layers().get(0);
        assertEquals(Archives.digest(Archives.bytes("base")), layer.diff());
        assertEquals(Archives.digest(Archives.gzip(Archives.bytes("base"))), layer.digest());
    }

    @Test
    void the_same_image_in_both_formats_is_one_with_all_names() throws IOException {
        var archive = Archives.saved("ktrdr-backend:dev", LAYERS);
        var config = Archives.config("linux/amd64", "python -m uvicorn ktrdr.api.main:app", LAYERS);
        var listed = LAYERS.stream().map(text -> archive.blob("application/vnd.oci.image.layer.v1.tar",
                Archives.bytes(text))).toList();
        var manifest = archive.blob(ArchiveIndex.MANIFEST, Archives.bytes(Json.line(Map.of(
                "schemaVersion", 2, "config", archive.blob(ArchiveIndex.CONFIG, config), "layers", listed))));
        assertEquals(List.of("ktrdr-backend:main", "ktrdr-backend:dev"),
                only(archive.index("ktrdr-backend:main", manifest).in(folder)).names());
    }

    @Test
    void one_that_gzip_compressed_is_read_too() throws IOException {
        var file = Files.write(folder.resolve("image.tar.gz"),
                Archives.gzip(Archives.saved("a:b", LAYERS).tar()));
        assertEquals(List.of("a:b"), only(file).names());
    }

    @Test
    void what_is_no_archive_or_not_whole_is_bad_usage() throws IOException {
        var whole = Archives.saved("a:b", List.of("x".repeat(5000))).tar();
        for (var bad : List.of(new byte[0], Archives.bytes("hello"), Arrays.copyOf(whole, 3000),
                Arrays.copyOf(Archives.gzip(whole), 60), new Archives().file("etc/passwd", new byte[3]).tar(),
                Archives.saved("a:b", LAYERS).file("manifest.json", Archives.bytes("{]")).tar()))
            assertEquals(Exit.USAGE, refused(bad).exit());
        assertTrue(refused(Arrays.copyOf(whole, 3000)).sentence().contains("is not a whole archive of an image"));
        assertTrue(assertThrows(Problem.class, () -> only(folder.resolve("none.tar"))).sentence()
                .contains("there is no archive"));
        assertThrows(Problem.class, () -> only(folder));
    }

    @Test
    void a_damaged_layer_or_document_is_named() throws IOException {
        var file = Archives.saved("a:b", LAYERS).file("layer1/layer.tar", Archives.bytes("pythom")).in(folder);
        try (var archive = ImageArchive.of(file)) {
            var layers = archive.images().get(0).platforms().get(0).layers();
            ImageArchive.prove(layers.subList(0, 1));
            var problem = assertThrows(Problem.class, () -> ImageArchive.prove(layers));
            assertTrue(problem.sentence().contains("a layer of the image is damaged"), problem.sentence());
        }
        var layout = new Archives();
        var entry = layout.image("linux/amd64", LAYERS);
        layout.file("blobs/" + entry.get("digest").toString().replace(':', '/'), Archives.bytes("{}"));
        assertTrue(refused(layout.index("", entry).tar()).sentence().contains("a document of the image is damaged"));
    }

    @Test
    void one_whose_file_was_closed_meanwhile_was_interrupted() throws IOException {
        var archive = ImageArchive.of(Archives.saved("a:b", LAYERS).in(folder));
        var layers = archive.images().get(0).platforms().get(0).layers();
        archive.close();
        assertEquals(Exit.INTERRUPTED, assertThrows(Problem.class, () -> ImageArchive.prove(layers)).exit());
    }

    @Test
    void nothing_of_a_spool_is_left_in_its_folder() throws IOException {
        try (var spool = Spool.open()) {
            Spool.to(spool, written -> assertEquals(4, written)).write(Archives.bytes("four"));
            try (var there = Files.list(Path.of("/var/tmp"))) {
                assertEquals(List.of(), there.filter(path -> path.toString().contains("ktrdr-image-")).toList());
            }
        }
    }
}
