package ktrdr.release;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.Optional;
import java.util.TreeSet;
import java.util.regex.Pattern;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import ktrdr.Sha256;

/** The tag of a release: the requested one, that of the current checkout's commit, or the running one. */
public final class ReleaseTag {
    /** What a registry takes as a tag (OCI distribution specification, "Pulling manifests"). */
    private static final Pattern TAG = Pattern.compile("[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}");
    private static final Pattern LOCAL = Pattern.compile("local-[0-9a-f]{12}");
    private static final Duration GIT = Duration.ofSeconds(10);

    private ReleaseTag() {}

    /** A tag from the command line; a tag that a registry would not accept is a {@link Problem}. */
    public static String tag(String asked) {
        if (TAG.matcher(asked).matches()) return asked;
        throw Problem.usage("invalid image tag: " + asked)
                .expected("such as sha-3f2c9ab: letters, digits, '.', '_' and '-', at most 128")
                .found(asked);
    }

    /**
     * That of images which no registry has, by the digests of their configurations ("sha256:…"): the same images have
     * the same tag wherever they were built. Of several it is the digest of all.
     */
    public static String local(Collection<String> digests) {
        var sorted = new TreeSet<>(digests);
        var digest = sorted.size() == 1 ? sorted.first().replaceFirst("^sha256:", "")
                : Sha256.hex(String.join("\n", sorted));
        return "local-" + digest.substring(0, 12);
    }

    /** Whether a reference such as ghcr.io/kpiteira/ktrdr-backend:local-3f2c9ab01234 has such a tag. */
    public static boolean isLocal(String reference) {
        return LOCAL.matcher(reference.substring(reference.lastIndexOf(':') + 1)).matches();
    }

    /**
     * "sha-" and seven characters of HEAD, if the folder is in a git checkout of KTRDR; else empty. A checkout without
     * a readable commit is a {@link Problem}.
     */
    public static Optional<String> ofCheckout(Path folder) {
        return checkout(folder.toAbsolutePath()).filter(ReleaseTag::isKtrdr)
                .map(checkout -> "sha-" + head(checkout).substring(0, 7));
    }

    /** The folder, or the nearest one above it, that has git's files: a folder, or in a linked worktree a file. */
    private static Optional<Path> checkout(Path folder) {
        for (var at = folder; at != null; at = at.getParent())
            if (Files.exists(at.resolve(".git"))) return Optional.of(at);
        return Optional.empty();
    }

    private static String head(Path checkout) {
        var found = "";
        try {
            var head = LocalCommand.command("git", "rev-parse", "--verify", "HEAD").directory(checkout)
                    .env("LC_ALL", "C").timeout(GIT).run();
            if (head.ok()) return head.out().strip();
            found = head.lastWords();
        } catch (Problem noGit) {
            found = noGit.sentence();
        }
        // git refuses what another user owns, since its configuration may run programs
        var other = found.contains("dubious ownership");
        throw Problem.usage("no release: --tag is missing, and git does not report the commit of " + checkout)
                .expected("--tag sha-<7 characters of the commit>, or a checkout that git reads")
                .found(found)
                .fix(other ? "it belongs to another user; if that is right: git config --global --add "
                        + "safe.directory " + checkout : "add --tag sha-3f2c9ab, with the commit that is to run");
    }

    private static boolean isKtrdr(Path checkout) {
        try {
            var project = checkout.resolve("pyproject.toml");
            return Files.isRegularFile(project) && Files.readString(project).lines()
                    .anyMatch(line -> line.matches("name\\s*=\\s*\"ktrdr\"\\s*"));
        } catch (IOException e) {
            return false;
        }
    }

    /** The tag of the last good deployment, rollback or scaling; empty if nothing was deployed yet. */
    public static Optional<String> running(History history) {
        return history.entries().stream().filter(History.Entry::good).map(History.Entry::tag)
                .filter(tag -> !tag.isEmpty()).reduce((earlier, later) -> later);
    }

    /** The problem if there is no tag. */
    public static Problem missing() {
        return Problem.usage(
                "no release: --tag is missing, core runs none, and this folder is not a git checkout of KTRDR")
                .expected("--tag sha-<7 characters of the commit>, or to be run inside KTRDR's checkout")
                .fix("add --tag sha-3f2c9ab, with the commit that is to run");
    }
}
