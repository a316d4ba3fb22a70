package ktrdr;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.regex.Pattern;

/** The tag of a release: asked for, or that of the commit one stands on. */
public final class Release {
    /** What a registry takes as a tag (OCI distribution specification, "Pulling manifests"). */
    private static final Pattern TAG = Pattern.compile("[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}");
    private static final Duration GIT = Duration.ofSeconds(10);

    private Release() {}

    /** A tag as a person gave it; anything a registry would not take is a {@link Problem}. */
    public static String tag(String asked) {
        if (TAG.matcher(asked).matches()) return asked;
        throw Problem.usage("this is no image tag: " + asked).expected("such as sha-3f2c9ab: letters, digits, '.', '_' and '-', at most 128")
                .found(asked);
    }

    /** "sha-" and seven characters of HEAD, where the folder is in a git checkout of KTRDR; else empty. */
    public static Optional<String> ofCheckout(Path folder) {
        try {
            var top = Local.command("git", "rev-parse", "--show-toplevel").directory(folder).timeout(GIT).run();
            if (!top.ok() || !isKtrdr(Path.of(top.out().strip()))) return Optional.empty();
            var head = Local.command("git", "rev-parse", "--short=7", "HEAD").directory(folder).timeout(GIT).run();
            return head.ok() ? Optional.of("sha-" + head.out().strip().substring(0, 7)) : Optional.empty();
        } catch (Problem noGit) {
            return Optional.empty();
        }
    }

    private static boolean isKtrdr(Path checkout) {
        try {
            var project = checkout.resolve("pyproject.toml");
            return Files.isRegularFile(project) && Files.readString(project).lines().anyMatch(line -> line.matches("name\\s*=\\s*\"ktrdr\"\\s*"));
        } catch (IOException e) {
            return false;
        }
    }

    /** What to say when there is no tag. */
    public static Problem missing() {
        return Problem.usage("which release? No --tag was given, and this folder is no git checkout of KTRDR")
                .expected("--tag sha-<7 characters of the commit>, or to be run inside KTRDR's checkout")
                .fix("add --tag sha-3f2c9ab, with the commit that is to run");
    }
}
