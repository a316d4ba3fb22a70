package ktrdr.image;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What travels to a node: the layers that it lacks, and an image that both of Docker's stores can put together. */
class ImageStreamTest {
    private static final String REFERENCE = "registry.test:5000/ktrdr-backend:local-3f2c9ab01234";
    private static final List<String> LAYERS = List.of("base", "python", "the code");
    @TempDir Path folder;

    private static List<String> diffs(String... layers) {
        return Stream.of(layers).map(text -> Archives.digest(Archives.bytes(text))).toList();
    }

    private static List<String> lacking(ArchivedImage image, List<List<String>> there) {
        return image.lacking(there).stream().map(ArchivedImage.Layer::diff).toList();
    }

    @Test
    void a_layer_counts_only_upon_the_same_ones_below_it() throws IOException {
        try (var archive = ImageArchive.of(Archives.saved("a:b", LAYERS).in(folder))) {
            var image = archive.images().get(0).platforms().get(0);
            assertEquals(diffs("base", "python", "the code"), lacking(image, List.of()));
            assertEquals(diffs("the code"), lacking(image, List.of(diffs("base"), diffs("base", "python", "old"))));
            assertEquals(diffs("python", "the code"), lacking(image, List.of(diffs("base", "other", "the code"))));
            assertEquals(diffs("base", "python", "the code"), lacking(image, List.of(diffs("python", "the code"))));
            assertEquals(List.of(), lacking(image, List.of(diffs("base", "python", "the code", "more"))));
        }
    }

    private ImageArchive sent(ImageStream stream) throws IOException {
        var bytes = new ByteArrayOutputStream();
        stream.write(bytes, copied -> { });
        return ImageArchive.of(Files.write(folder.resolve("sent.tgz"), bytes.toByteArray()));
    }

    @Test
    void it_is_the_same_image_with_these_layers_alone() throws IOException {
        try (var archive = ImageArchive.of(Archives.saved("a:b", LAYERS).in(folder))) {
            var image = archive.images().get(0).platforms().get(0);
            var stream = new ImageStream(Map.of(REFERENCE, image),
                    new LinkedHashSet<>(image.lacking(List.of(diffs("base", "python")))));
            assertEquals("the code".length(), stream.bytes());
            try (var sent = sent(stream)) {
                var arrived = sent.images().get(0);
                assertEquals(List.of(REFERENCE), arrived.names());
                var one = arrived.platforms().get(0);
                assertEquals(List.of(image.digest(), image.manifestDigest()),
                        List.of(one.digest(), one.manifestDigest()));
                assertEquals(List.of("no", "no", "yes"),
                        one.layers().stream().map(layer -> layer.at() == null ? "no" : "yes").toList());
                ImageArchive.prove(one.layers().subList(2, 3));
            }
        }
    }

    /** What is compressed in an archive travels as it is, so that it keeps the digest that its manifest names. */
    @Test
    void compressed_layers_keep_their_digest() throws IOException {
        var layout = new Archives();
        try (var archive = ImageArchive.of(layout.index("a:b", layout.image("linux/amd64", LAYERS)).in(folder))) {
            var image = archive.images().get(0).platforms().get(0);
            var copied = new ArrayList<Long>();
            var stream = new ImageStream(Map.of(REFERENCE, image), new LinkedHashSet<>(image.layers()));
            stream.write(new ByteArrayOutputStream(), copied::add);
            assertEquals(stream.bytes(), copied.get(copied.size() - 1));
            try (var sent = sent(stream)) {
                ImageArchive.prove(sent.images().get(0).platforms().get(0).layers());
            }
        }
    }

    @Test
    void a_nodes_answer() {
        var answer = """
                platform\tlinux/amd64
                store\t[["driver-type","io.containerd.snapshotter.v1"]]
                image\t{"id":"sha256:1","layers":["sha256:a","sha256:b"],"config":{"Cmd":["python"],"Env":["A=b"]}}
                image\t{"id":"sha256:2","layers":null,"config":null}
                end\tyes
                """;
        var images = NodeImages.parse(answer);
        assertEquals(List.of("linux/amd64", true), List.of(images.platform(), images.containerd()));
        assertEquals(List.of(List.of("sha256:a", "sha256:b"), List.of()), images.layers());
        assertEquals(List.of(" | python |  | "), images.starting(Set.of("sha256:1", "sha256:9")));
    }
}
