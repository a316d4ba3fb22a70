package ktrdr.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import ktrdr.CommandResult;
import ktrdr.Facts;
import ktrdr.Fixtures;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import ktrdr.api.Backend;
import ktrdr.deploy.NodePlan;
import ktrdr.health.RootCauses;
import ktrdr.health.WorkerChecks;
import ktrdr.inventory.Inventory;
import ktrdr.release.FileChanges;
import ktrdr.release.Revision;
import ktrdr.release.Stack;
import ktrdr.release.StackFactsBuilder;
import ktrdr.report.Check;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Detection of Docker's GPU driver on a simulated machine: dockerd's process id, name, PATH and root. */
class GpuTest {
    private static final Inventory FLEET =
            Fixtures.inventory(Fixtures.INVENTORY.replace("workers: {backtest: 0, training: 1}", "gpu: true"));
    @TempDir Path machine;

    @BeforeEach
    void dockerd() throws IOException {
        Files.createDirectories(machine.resolve("proc/77/root/usr/bin"));
        Files.writeString(machine.resolve("docker.pid"), "77");
        Files.writeString(machine.resolve("proc/77/comm"), "dockerd\n");
        Files.writeString(machine.resolve("proc/77/environ"), "LANG=C\0PATH=/usr/local/bin:/usr/bin\0HOME=/root\0");
    }

    private Gpu asked() {
        var script = Gpu.SCRIPT.replace("/var/run/docker.pid", machine + "/docker.pid")
                .replace("/proc/", machine + "/proc/");
        var said = LocalCommand.command("sh", "-s").input("set -eu\n" + Facts.SAY + script + "say end yes\n").run();
        assertEquals("0 ", said.exit() + " " + said.err());
        return Gpu.parse(Facts.parse(said.out()));
    }

    @Test
    void finds_the_gpu_driver_by_the_toolkits_new_or_old_program() throws IOException {
        for (var name : List.of("nvidia-cdi-hook", "nvidia-container-runtime-hook")) {
            Fixtures.program(machine.resolve("proc/77/root/usr/bin/" + name), "");
            assertEquals(new Gpu("/usr/local/bin:/usr/bin", "/usr/bin/" + name), asked());
            assertEquals(Optional.empty(), asked().missing("gpu"));
            assertTrue(asked().check("gpu").ok());
        }
        // a symbolic link that resolves only inside dockerd's root
        Files.delete(machine.resolve("proc/77/root/usr/bin/nvidia-cdi-hook"));
        Files.delete(machine.resolve("proc/77/root/usr/bin/nvidia-container-runtime-hook"));
        Files.createSymbolicLink(machine.resolve("proc/77/root/usr/bin/nvidia-container-runtime-hook"),
                Path.of("/no/where"));
        assertEquals("/usr/bin/nvidia-container-runtime-hook", asked().hook());
    }

    @Test
    void reports_a_missing_gpu_driver_without_the_toolkits_program() throws IOException {
        Fixtures.program(machine.resolve("proc/77/root/opt/nvidia-container-runtime-hook"), "");
        Files.writeString(machine.resolve("proc/77/root/usr/bin/nvidia-cdi-hook"), "no program");
        var problem = asked().missing("gpu").orElseThrow();
        assertEquals("gpu: Docker has no GPU driver there", problem.sentence());
        assertEquals("none in /usr/local/bin:/usr/bin", problem.details().get("found"));
        assertEquals("gpu.gpu false", asked().check("gpu").id() + " " + asked().check("gpu").ok());
    }

    @Test
    void refuses_nothing_when_dockerd_cannot_be_inspected() throws IOException {
        for (var gone : List.of("proc/77/environ", "proc/77/comm", "docker.pid")) {
            Files.delete(machine.resolve(gone));
            assertEquals(Gpu.UNKNOWN, asked(), gone);
            assertEquals(Optional.empty(), asked().missing("gpu"));
        }
        // a stale process id of dockerd
        Files.writeString(machine.resolve("docker.pid"), "77");
        Files.writeString(machine.resolve("proc/77/comm"), "sleep\n");
        Files.writeString(machine.resolve("proc/77/environ"), "PATH=/usr/bin\0");
        assertEquals(Gpu.UNKNOWN, asked());
        assertEquals("unknown: dockerd's PATH could not be read", asked().check("gpu").found());
    }

    private static NodePlan plan(Inventory fleet, Gpu gpu) {
        var stack = Stack.of(fleet, fleet.node("G"));
        var facts = StackFactsBuilder.node().gpu(gpu).build();
        return NodePlan.plan(stack,
                new Revision("sha-1", List.of(), stack.images(stack.services(), "sha-1").entrySet().stream()
                .collect(Collectors.toMap(Map.Entry::getKey, entry -> new Docker.Image(entry.getValue(), "", "")))),
                stack.services(), facts);
    }

    private static List<String> obstacles(Inventory fleet, Gpu gpu) {
        return plan(fleet, gpu).obstacles().stream().map(Problem::sentence).filter(sentence -> sentence.contains("GPU"))
                .toList();
    }

    @Test
    void without_a_driver_only_the_gpu_workers_deployment_is_refused() {
        var none = new Gpu("/usr/bin", "");
        assertEquals(List.of("gpu: Docker has no GPU driver there"), obstacles(FLEET, none));
        assertEquals(List.of(), obstacles(FLEET, Gpu.UNKNOWN));
        assertEquals(List.of(), obstacles(Fixtures.inventory(), none));
    }

    @Test
    void it_is_looked_for_where_a_gpu_is_wanted_and_nowhere_else() {
        for (var node : FLEET.nodes())
            assertEquals(node.name().equals("gpu"), FileChanges.look(FLEET, Stack.of(FLEET, node), Optional.of("sha-1"),
                    List.of()).contains("gpu-hook"), node.name());
        assertTrue(LocalCommand.command("shellcheck", "-S", "warning", "-")
                .input("#!/bin/sh\nset -eu\n" + Facts.SAY + Gpu.SCRIPT).run().ok());
    }

    @Test
    void explains_dockers_errors_when_a_gpu_container_starts() {
        var driver = Gpu.refused("gpu",
                " Container training-worker-gpu  Starting\nError response from daemon: could not select device driver "
                        + "\"nvidia\" with capabilities: [[gpu]]\n").orElseThrow();
        assertEquals("gpu: Docker has no GPU driver there", driver.sentence());
        assertTrue(driver.details().get("expected").endsWith("if it was installed since: systemctl restart docker"),
                driver::toString);
        var card = Gpu.refused("gpu",
                "Error response from daemon: failed to create task: error running prestart hook #0: stderr: "
                        + "nvidia-container-cli: initialization error: nvml error: driver not loaded").orElseThrow();
        assertEquals("gpu: the container did not get the GPU", card.sentence());
        assertTrue(card.details().get("found").contains("driver not loaded"), card::toString);
        assertEquals(Optional.empty(), Gpu.refused("gpu", "Error response from daemon: port is already allocated"));
        assertEquals("gpu: Docker has no GPU driver there",
                plan(FLEET, Gpu.UNKNOWN)
                        .upFailed(new CommandResult(1, "",
                                "could not select device driver \"nvidia\" with capabilities: [[gpu]]")).sentence());
    }

    private static Check check(String status, String gpu) {
        return WorkerChecks.gpus(FLEET, FLEET.workers(),
                List.of(new Backend.Worker("w", "training", "http://gpu-1.ktrdr.test:5005", status, "",
                        Optional.empty(), gpu))).get(0);
    }

    @Test
    void a_worker_that_is_to_have_a_gpu_has_to_say_that_it_has_one() {
        assertEquals("gpu.training-worker-gpu.gpu true 1 CUDA", check("busy", "1 CUDA").id() + " "
                + check("busy", "1 CUDA").ok() + " " + check("busy", "1 CUDA").found());
        assertEquals("none: it trains on the CPU", check("available", "").found());
        assertTrue(check("available", "").fix().contains("registry.test:5000/ktrdr-worker-gpu"),
                check("available", "")::toString);
        assertEquals("not registered", check("temporarily_unavailable", "1 CUDA").found());
        assertEquals(List.of(), WorkerChecks.gpus(Fixtures.inventory(), Fixtures.inventory().workers(), List.of()));
    }

    @Test
    void a_missing_or_unregistered_worker_explains_its_unseen_gpu() {
        var checks = List.of("gpu.training-worker-gpu.container", "gpu.training-worker-gpu.registered",
                "gpu.training-worker-gpu.gpu", "target.gpu.training-worker-gpu").stream()
                .map(id -> new Check(Fixtures.id(id, "gpu"), "gpu", false, "", "", "", 0)).toList();
        assertEquals(Map.of("gpu.training-worker-gpu.registered", "gpu.training-worker-gpu.container",
                "gpu.training-worker-gpu.gpu", "gpu.training-worker-gpu.container",
                "target.gpu.training-worker-gpu", "gpu.training-worker-gpu.container"), RootCauses.of(FLEET, checks));
        assertEquals(Map.of("gpu.training-worker-gpu.gpu", "gpu.training-worker-gpu.registered"),
                RootCauses.of(FLEET, checks.subList(1, 3)));
    }
}
