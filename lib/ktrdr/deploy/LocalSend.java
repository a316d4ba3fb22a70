package ktrdr.deploy;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import ktrdr.CommandResult;
import ktrdr.Console;
import ktrdr.LastWords;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.Units;
import ktrdr.image.ArchivedImage;
import ktrdr.image.ImageStream;
import ktrdr.image.NodeImages;
import ktrdr.ssh.Ssh;

/** Images on their way to one node, over the connection that is there anyway. */
record LocalSend(String node, NodeImages there, Ssh ssh, Console console) {
    /**
     * Sends what the node lacks of these images, by reference, and proves that they are there. If Docker cannot put
     * them together from that, since a layer was removed meanwhile, it gets all of it.
     */
    void send(Map<String, ArchivedImage> images) {
        var layers = new LinkedHashSet<ArchivedImage.Layer>();
        images.values().forEach(image -> layers.addAll(image.lacking(there.layers())));
        var all = new LinkedHashSet<ArchivedImage.Layer>();
        images.values().forEach(image -> all.addAll(image.layers()));
        try (var step = console.step(node, "send")) {
            var sent = new AtomicLong();
            var result = push(new ImageStream(images, layers), step, sent);
            boolean whole = all.stream().allMatch(layer -> layer.at() != null);
            if (!result.ok() && layers.size() < all.size() && whole && !full(result)) {
                console.detail(node, "send", "with all layers, since Docker said: " + result.lastWords());
                result = push(new ImageStream(images, all), step, sent);
            }
            if (!result.ok()) throw failure(images, result);
            arrived(images, result.out());
            step.done(images.keySet().stream().map(name -> name.substring(name.lastIndexOf('/') + 1))
                    .collect(Collectors.joining(", ")) + ": " + layers.size() + " of " + all.size() + " layers, "
                    + Units.size(sent.get()));
        }
    }

    private CommandResult push(ImageStream stream, Console.Step step, AtomicLong sent) {
        long bytes = stream.bytes();
        return ssh.push(script(stream.images()), stdin -> stream.write(counted(stdin, sent), done ->
                step.progress(bytes == 0 ? 100 : 100.0 * done / bytes, Units.size(done) + " of " + Units.size(bytes))));
    }

    /** Docker reads what it is sent before it changes anything, and takes nothing of what was cut. */
    private static String script(Map<String, ArchivedImage> images) {
        return "docker image load -q >/dev/null\nfor image in " + Sh.words(List.copyOf(images.keySet()))
                + "; do docker image inspect --format '{{.Id}}' \"$image\"; done\n";
    }

    private static OutputStream counted(OutputStream target, AtomicLong sent) {
        return new FilterOutputStream(target) {
            @Override
            public void write(byte[] bytes, int from, int count) throws IOException {
                out.write(bytes, from, count);
                sent.addAndGet(count);
            }
        };
    }

    private void arrived(Map<String, ArchivedImage> images, String said) {
        var expected = images.values().stream().map(there::id).collect(Collectors.joining(", "));
        var found = said.strip().replaceAll("\\s+", ", ");
        if (!found.equals(expected)) throw Problem.failed(node + ": Docker made another image of what it was sent")
                .expected(expected).found(found).fix("nothing was stopped");
    }

    private static boolean full(CommandResult result) {
        return result.err().contains("no space left");
    }

    private Problem failure(Map<String, ArchivedImage> images, CommandResult result) {
        return Problem.failed(node + ": Docker did not take " + String.join(", ", images.keySet()))
                .expected("`docker image load` ends with 0").found(LastWords.lines(result.err(), 3))
                .fix(full(result) ? "make room there: docs/OPERATIONS.md, \"disk full\"; nothing was stopped"
                        : "run it again; nothing was stopped");
    }
}
