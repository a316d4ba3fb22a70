package lab;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import ktrdr.Console;
import ktrdr.Problem;

/** Builds images from the project's Dockerfiles, once for each content: the tag of an image is the hash of what it was made of. */
final class Images {
    static final String PREFIX = "ktrdr-lab/";
    private final Engine engine;
    private final Base base;
    private final Console console;
    private final Set<String> present;

    Images(Engine engine, Base base, Console console) {
        this.engine = engine;
        this.base = base;
        this.console = console;
        this.present = Set.copyOf(all(engine));
    }

    private static List<String> all(Engine engine) {
        return engine.docker("image", "ls", "--filter", "label=" + Layout.LABEL + "=image", "--format", "{{.Repository}}:{{.Tag}}").must().out().lines()
                .filter(tag -> tag.startsWith(PREFIX)).toList();
    }

    /**
     * What an image is made of.
     *
     * @param name of the image, without the lab's prefix
     * @param files of the build's context, by name; those that begin with {@code #!} are executable
     */
    record Recipe(String name, Map<String, byte[]> files, Map<String, String> arguments) {
        /** From files on the class path below {@code /lab/<folder>/}. */
        static Recipe of(String folder, String... names) {
            var files = new TreeMap<String, byte[]>();
            for (var name : names) files.put(name, resource("/lab/" + folder + "/" + name));
            return new Recipe(folder, files, Map.of());
        }

        String reference(Base base) {
            return PREFIX + name + ":" + hash(base.id());
        }

        /** Of all that decides what the image will be, the image it builds on included. */
        String hash(String base) {
            try {
                var digest = MessageDigest.getInstance("SHA-256");
                digest.update(base.getBytes(StandardCharsets.UTF_8));
                new TreeMap<>(arguments).forEach((key, value) -> digest.update(("\0" + key + "=" + value).getBytes(StandardCharsets.UTF_8)));
                new TreeMap<>(files).forEach((key, value) -> {
                    digest.update(("\0" + key + "\0" + value.length + "\0").getBytes(StandardCharsets.UTF_8));
                    digest.update(value);
                });
                return HexFormat.of().formatHex(digest.digest()).substring(0, 12);
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    static byte[] resource(String name) {
        try (InputStream stream = Images.class.getResourceAsStream(name)) {
            if (stream == null) throw new IllegalStateException(name + " is not on the class path: it needs a //FILES line");
            return stream.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The reference of the image, built where the engine has it not. */
    String build(Recipe recipe) {
        var reference = recipe.reference(base);
        if (present.contains(reference)) return reference;
        var context = Folders.stage(recipe.files());
        try (var step = console.step("image", recipe.name())) {
            var argv = new ArrayList<>(List.of("build", "--force-rm", "--label", Layout.LABEL + "=image", "--build-arg", "BASE=" + Base.IMAGE, "-t", reference));
            recipe.arguments().forEach((key, value) -> argv.addAll(List.of("--build-arg", key + "=" + value)));
            argv.add(context.toString());
            var result = engine.docker(argv).lines(step::now).run();
            if (!result.ok()) throw Problem.failed("the image " + recipe.name() + " could not be built").expected("docker build ends with 0").found(result.lastWords());
            step.done("built " + reference);
        } finally {
            Folders.delete(context);
        }
        return reference;
    }

    /** An image from its own registry, pulled where the engine has it not. */
    String pull(String reference) {
        if (!engine.ask("image", "inspect", "--format", "{{.Id}}", reference).isEmpty()) return reference;
        try (var step = console.step("image", "pull")) {
            engine.docker("pull", "-q", reference).lines(step::now).must();
            step.done(reference);
        }
        return reference;
    }

    /** Removes what earlier contents left behind, as far as nothing uses it. */
    void removeOthers(Set<String> wanted) {
        var old = new HashSet<>(present);
        old.removeAll(wanted);
        for (var reference : old) engine.docker("image", "rm", reference).run();
    }

    /** Removes every image of the lab. */
    static void purge(Engine engine) {
        for (var reference : all(engine)) engine.docker("image", "rm", "--force", reference).run();
        engine.docker("image", "rm", Base.IMAGE).run();
    }
}
