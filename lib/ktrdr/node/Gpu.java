package ktrdr.node;

import java.util.Optional;
import ktrdr.Console;
import ktrdr.Facts;
import ktrdr.Problem;
import ktrdr.report.Check;
import ktrdr.report.CheckId;

/**
 * What a node's Docker knows of GPUs. dockerd has its driver {@code nvidia} when it finds a program of the NVIDIA
 * Container Toolkit on its PATH as it starts, and else fails each container that asks for a GPU as it is started, when
 * the one before it is gone (moby, daemon/devices_nvidia_linux.go).
 *
 * @param path dockerd's PATH; empty if it could not be read, and then nothing is known
 * @param hook the program that is there now; empty if there is none
 */
public record Gpu(String path, String hook) {
    /** A node that was not asked. */
    public static final Gpu UNKNOWN = new Gpu("", "");
    private static final String EXPECTED =
            "nvidia-container-runtime-hook, of the NVIDIA Container Toolkit, on dockerd's PATH";
    private static final String INSTALL =
            "on the node: apt-get install nvidia-container-toolkit (from NVIDIA's own repository), then systemctl "
                    + "restart docker, which stops its containers";

    /**
     * Shell lines that ask, with {@code say} defined. dockerd may have another root than the script, and a path that
     * leads out of that root counts as present.
     */
    public static final String SCRIPT = """
            gpu_hooks() (
              IFS=:
              set -f
              for folder in $2; do
                for hook in nvidia-container-runtime-hook nvidia-cdi-hook; do
                  if [ -x "/proc/$1/root$folder/$hook" ] || [ -L "/proc/$1/root$folder/$hook" ]; then printf '%s\\n' \
            "$folder/$hook"; fi
                done
              done
            )
            dockerd=$(cat /var/run/docker.pid 2>/dev/null) || :
            if [ -z "${DOCKER_HOST-}" ] && [ -n "$dockerd" ] && [ "$(cat "/proc/$dockerd/comm" 2>/dev/null)" = \
            dockerd ]; then
              path=$({ tr '\\000' '\\n' <"/proc/$dockerd/environ" | sed -n 's/^PATH=//p'; } 2>/dev/null) || :
              say gpu-path "$path"
              say gpu-hook "$(gpu_hooks "$dockerd" "$path" | head -n 1)"
            fi
            """;

    /** What {@link #SCRIPT} said. */
    public static Gpu parse(Facts facts) {
        return new Gpu(facts.get("gpu-path"), facts.get("gpu-hook"));
    }

    /** Whether Docker surely cannot start a container with a GPU there. */
    private boolean surelyNone() {
        return !path.isEmpty() && hook.isEmpty();
    }

    private String found() {
        return path.isEmpty() ? "unknown: dockerd's PATH could not be read" : hook.isEmpty() ? "none in " + path
                : hook;
    }

    /** The problem that Docker has no driver for GPUs there; empty if it has one, or if that is unknown. */
    public Optional<Problem> missing(String node) {
        return surelyNone() ? Optional.of(Problem.failed(node + ": Docker has no GPU driver there").expected(EXPECTED)
                .found(found())
                .fix(INSTALL + "; or remove `gpu: true` of the node from the inventory")) : Optional.empty();
    }

    /** The check of the same. */
    public Check check(String node) {
        return new Check(CheckId.ofNode(node, "gpu"), node, !surelyNone(), EXPECTED, found(), INSTALL, 0);
    }

    /** Why containers with a GPU could not be started, by Docker's error; empty if the error has another cause. */
    public static Optional<Problem> refused(String node, String said) {
        var line = said.lines()
                .filter(text -> text.contains("could not select device driver") || text.contains("nvidia-container-"))
                .findFirst();
        return line.map(words -> words.contains("could not select device driver")
                ? Problem.failed(node + ": Docker has no GPU driver there")
                        .expected("the NVIDIA Container Toolkit on dockerd's PATH when it started; if it was "
                                + "installed since: systemctl restart docker")
                        .found(Console.brief(words.strip(), 300))
                : Problem.failed(node + ": the container did not get the GPU")
                        .expected("the NVIDIA Container Toolkit to pass it on; nvidia-smi on the node reports "
                                + "whether GPU and driver work")
                        .found(Console.brief(words.strip(), 300)));
    }
}
