package lab;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import ktrdr.Console;
import ktrdr.Local;
import ktrdr.Problem;

/**
 * The Debian all images of the lab build on: the real one where a registry answers, else one made by debootstrap.
 *
 * @param id of the image
 * @param upstream whether it came from a registry, so that the real parts of the stack can be had too
 */
public record Base(String id, boolean upstream) {
    static final String IMAGE = "ktrdr-lab/base:trixie";
    private static final String REAL = "debian:trixie-slim";
    private static final String FROM = Layout.LABEL + ".from";
    private static final Duration PATIENCE = Duration.ofSeconds(15);

    /** The base image, made where the engine has none. */
    static Base ensure(Engine engine, Console console) {
        var here = find(engine);
        if (here != null) return here;
        try (var step = console.step("lab", "base")) {
            step.now("asking for " + REAL);
            boolean upstream = pull(engine);
            if (upstream) engine.docker("build", "-t", IMAGE, "--label", FROM + "=upstream", "-").input("FROM " + REAL + "\n").must();
            else debootstrap(engine, step);
            step.done(upstream ? REAL + " from its registry" : "no registry answers: Debian trixie made with debootstrap");
        }
        return find(engine);
    }

    private static Base find(Engine engine) {
        var found = engine.ask("image", "inspect", "--format", "{{.Id}} {{index .Config.Labels \"" + FROM + "\"}}", IMAGE).split(" ");
        return found.length == 2 ? new Base(found[0], found[1].equals("upstream")) : null;
    }

    private static boolean pull(Engine engine) {
        try {
            return engine.docker("pull", "-q", REAL).timeout(PATIENCE).run().ok();
        } catch (Problem slow) {
            return false;
        }
    }

    private static void debootstrap(Engine engine, Console.Step step) {
        if (!Machine.canInstall())
            throw Problem.failed("no registry answers, and only root on Debian can make a base image without one")
                    .expected("docker pull " + REAL + ", or root on Debian").fix("docker pull " + REAL + " tells why");
        var mirror = Machine.mirror().orElseThrow(() -> Problem.failed("no registry answers, and apt knows no Debian mirror here")
                .expected("docker pull " + REAL + ", or a source of Debian's own in apt's configuration"));
        step.now("installing debootstrap");
        Machine.install("debootstrap");
        var root = Dockerd.CACHE.resolve("root");
        var tar = Dockerd.CACHE.resolve("root.tar");
        try {
            clear(root);
            Local.command("debootstrap", "--variant=minbase", "trixie", root.toString(), mirror).lines(step::now).must();
            step.now("importing it");
            Local.command(List.of("sh", "-c", SLIM, "sh", root.toString(), tar.toString())).must();
            engine.docker("import", "--change", "LABEL " + FROM + "=debootstrap", tar.toString(), IMAGE).must();
        } finally {
            clear(root);
            clear(tar);
        }
    }

    /** What the official image leaves out is left out here too, and dpkg need not sync what is thrown away on a failure anyway. */
    private static final String SLIM = """
            set -eu
            printf 'force-unsafe-io\\n' >"$1/etc/dpkg/dpkg.cfg.d/lab"
            printf 'path-exclude %s\\n' '/usr/share/doc/*' '/usr/share/man/*' '/usr/share/locale/*' '/usr/share/info/*' >>"$1/etc/dpkg/dpkg.cfg.d/lab"
            printf 'Acquire::Languages "none";\\nDpkg::Use-Pty "0";\\n' >"$1/etc/apt/apt.conf.d/lab"
            cd "$1"
            rm -rf usr/share/doc/* usr/share/man/* usr/share/locale/* usr/share/info/* var/cache/apt/* var/lib/apt/lists/* dev/*
            tar -c --one-file-system -f "$2" .
            """;

    private static void clear(Path path) {
        Local.command("rm", "-rf", "--one-file-system", path.toString()).must();
    }
}
