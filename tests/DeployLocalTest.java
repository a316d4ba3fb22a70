import static lab.Aftermath.NEWER;
import static lab.Aftermath.OLDER;
import static lab.Aftermath.clean;
import static lab.Aftermath.deployed;
import static lab.Aftermath.returned;
import static lab.Aftermath.told;
import static lab.Toolkit.ktrdr;
import static lab.Toolkit.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import ktrdr.image.Archives;
import ktrdr.image.ImageArchive;
import lab.Aftermath;
import lab.BuiltImage;
import lab.Faults;
import lab.NewLayer;
import lab.Toolkit.Ran;
import lab.World;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/**
 * An image that was built on this machine is deployed without a registry, and is a release like any other: it is
 * recorded, kept, rolled back to and from. MoreNodesTest has a host with containerd's image store.
 */
@Tag("fleet")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class DeployLocalTest {
    private static final List<String> HOSTS = List.of("core", "workers-b", "workers-c");
    /** Of all packets to sshd, those that only acknowledge with them. */
    private static final String COUNTER = "INPUT -p tcp --dport 22 -m comment --comment ktrdr-sent";
    private static final String NO_REGISTRY = "OUTPUT -p tcp --dport 5000 -j REJECT";
    @TempDir static Path folder;
    private static String content;
    private static Path archive;

    @BeforeAll
    static void a_release_runs_and_another_was_built() throws IOException {
        Aftermath.restore();
        content = BuiltImage.make(folder, "ktrdr-backend:dev", OLDER);
        archive = saved("ktrdr-backend:dev", "dev.tar");
    }

    @AfterAll
    static void the_older_release_runs_again() {
        Aftermath.restore();
        for (var host : HOSTS) World.on(host, "docker images --format '{{.Repository}}:{{.Tag}}' | grep ':local-' | "
                + "xargs -r docker image rm >/dev/null; while iptables -D " + COUNTER + " 2>/dev/null; do :; done");
        for (var image : List.of("ktrdr-backend:dev", "ktrdr-backend:broken"))
            BuiltImage.remove(image);
    }

    private static long received(String host) {
        return Long.parseLong(World.on(host, "iptables -nvxL INPUT | awk '/ktrdr-sent/ { print $2 }'"));
    }

    @Test
    @Order(1)
    void all_nodes_get_the_layer_that_they_lack_without_a_registry() {
        HOSTS.forEach(host -> World.on(host, "iptables -I " + COUNTER + "; iptables -I " + NO_REGISTRY));
        Ran ran;
        try {
            ran = BuiltImage.ktrdr("deploy", "all", "--local", "ktrdr-backend:dev", "--parallel").run();
        } finally {
            HOSTS.forEach(host -> World.on(host, "iptables -D " + NO_REGISTRY));
        }
        assertEquals(0, ran.exit(), ran::toString);
        var tag = Aftermath.release("core");
        assertTrue(tag.matches("local-[0-9a-f]{12}"), tag);
        assertEquals(List.of(content, content, content), List.of(BuiltImage.content("core", "ktrdr-backend"),
                BuiltImage.content("workers-b", "backtest-worker-1"),
                BuiltImage.content("workers-c", "training-worker-1")));
        for (var host : HOSTS) {
            var bytes = received(host);
            assertTrue(bytes < NewLayer.BYTES * 1.05, () -> host + " received " + bytes + "\n" + ran);
            Aftermath.runs(host, tag, ran);
            clean(host, ran);
            assertEquals("", World.on(host, "ls /var/lib/docker/tmp | grep -v '^moby-detect' || :"));
        }
        assertTrue(ktrdr("status").run().out().contains(tag));
    }

    @Test
    @Order(2)
    void it_stays_to_roll_back_to_without_what_was_built_here() throws IOException {
        var tag = Aftermath.release("core");
        BuiltImage.remove("ktrdr-backend:dev");
        var few = World.inventory(Files.createDirectory(folder.resolve("few")), "images:\n", "images:\n  keep: 1\n")
                .toString();
        deployed(ktrdr("deploy", "workers", "C", "--tag", NEWER, "-i", few).run(), "workers-c", NEWER);
        deployed(ktrdr("rollback", "workers", "C").run(), "workers-c", tag);
        deployed(ktrdr("rollback", "workers", "C", "--to", NEWER).run(), "workers-c", NEWER);
        World.on("workers-b", "docker ps -aq --filter name=worker | xargs docker rm -f >/dev/null; docker image rm "
                + "$(docker images --format '{{.Repository}}:{{.Tag}}' | grep ':" + tag + "') >/dev/null");
        refused(1, ktrdr("deploy", "workers", "B", "--tag", tag).run(), "workers-b: the image",
                "is not on the node, and no registry has it", "--local");
        deployed(ktrdr("deploy", "workers", "B", "--archive", archive.toString()).run(), "workers-b", tag);
    }

    @Test
    @Order(3)
    void one_that_is_never_healthy_is_returned_from() throws IOException {
        var before = Aftermath.release("workers-b");
        BuiltImage.make(folder, "ktrdr-backend:broken", OLDER, "ENV KTRDR_STANDIN_FAULT=unhealthy");
        returned(BuiltImage.ktrdr("deploy", "workers", "B", "--local", "ktrdr-backend:broken", "--timeout", "15s")
                .run(), "workers-b", before);
    }

    private static Path saved(String image, String name) {
        var file = folder.resolve(name);
        World.docker("save", "-o", file.toString(), image);
        return file;
    }

    @Test
    @Order(4)
    void what_does_not_fit_is_refused_and_changes_nothing() throws IOException {
        var before = World.everything();
        refused(2, BuiltImage.ktrdr("deploy", "core", "backend", "--local", "ktrdr-lab/prometheus:2").run(),
                "ktrdr-lab/prometheus:2 is an image for prometheus");
        refused(2, BuiltImage.ktrdr("deploy", "workers", "B", "--local", "ktrdr-backend:broken", "--tag", OLDER).run(),
                "--tag does not apply");
        refused(1, BuiltImage.ktrdr("deploy", "workers", "B", "--local", "ktrdr-backend:none").run(),
                "this machine's Docker did not give ktrdr-backend:none", "build it");
        refused(1, ktrdr("deploy", "workers", "B", "--local", "ktrdr-backend:broken").asProcess()
                .env("DOCKER_HOST", "unix:///nowhere").run(), "this machine's Docker did not give", "--archive");
        var layout = new Archives();
        var other = layout.index("ktrdr-backend:arm", layout.image("linux/arm64", List.of("a"))).in(folder);
        refused(1, ktrdr("deploy", "workers", "B", "--archive", other.toString()).run(),
                "is not built for this node's platform", "one for linux/amd64", "for linux/arm64");
        BuiltImage.make(folder, "ktrdr-backend:broken", OLDER);
        var damaged = saved("ktrdr-backend:broken", "damaged.tar");
        try (var file = new RandomAccessFile(damaged.toFile(), "rw")) {
            file.seek(position(damaged));
            file.write(0);
            file.write(1);
        }
        refused(1, ktrdr("deploy", "workers", "B", "--archive", damaged.toString()).run(),
                "a layer of the image is damaged in its archive");
        assertEquals(before, World.everything());
    }

    /** Somewhere in the layer of random bytes. */
    private static long position(Path archive) throws IOException {
        try (var images = ImageArchive.of(archive)) {
            var layers = images.images().get(0).platforms().get(0).layers();
            return layers.get(layers.size() - 1).at().from() + NewLayer.BYTES / 2;
        }
    }

    @Test
    @Order(5)
    void a_full_disk_or_a_cut_on_the_way_changes_nothing() throws IOException {
        BuiltImage.make(folder, "ktrdr-backend:broken", OLDER);
        var whole = saved("ktrdr-backend:broken", "whole.tar").toString();
        var before = World.everything("workers-b");
        try (var full = Faults.fullDocker("workers-b")) {
            refused(1, ktrdr("deploy", "workers", "B", "--archive", whole).run(), "workers-b: Docker did not take",
                    "no space left");
        }
        Ran ran;
        try (var held = Faults.waits("workers-b", "docker", "load"); var run = ktrdr("deploy", "workers", "B",
                "--archive", whole).start()) {
            run.awaitAsked("workers-b");
            Faults.cut("workers-b");
            ran = run.end();
        }
        assertEquals(3, ran.exit(), ran::toString);
        clean("workers-b", ran);
        assertEquals(Aftermath.still(before), Aftermath.still(World.everything("workers-b")));
        assertFalse(Files.list(Path.of("/var/tmp")).anyMatch(path -> path.toString().contains("ktrdr-image-")));
    }
    private static void itsLockExpires() {
        World.awaitIdle("workers-b");
        Faults.silent("workers-b");
    }

    @Test
    @Order(6)
    void a_signal_or_a_kill_on_the_way_and_the_next_run_deploys() throws IOException {
        var built = BuiltImage.make(folder, "ktrdr-backend:broken", OLDER);
        var words = List.of("deploy", "workers", "B", "--archive", saved("ktrdr-backend:broken", "next.tar").toString())
                .toArray(String[]::new);
        var before = Aftermath.still(World.everything("workers-b"));
        Ran ended;
        try (var held = Faults.waits("workers-b", "docker", "load"); var run = ktrdr(words).start()) {
            run.awaitAsked("workers-b");
            run.signal("INT");
            ended = run.end();
        }
        assertEquals(130, ended.exit(), ended::toString);
        told(ended, "workers-b", "untouched");
        clean("workers-b", ended);
        assertEquals(before, Aftermath.still(World.everything("workers-b")));
        try (var held = Faults.waits("workers-b", "docker", "load"); var run = ktrdr(words).start()) {
            run.awaitAsked("workers-b");
            run.kill();
        }
        itsLockExpires();
        try (var deaf = Faults.deaf("workers-b", "backtest-worker-1"); var run = ktrdr(words).start()) {
            run.awaitUp("workers-b");
            run.kill();
        }
        itsLockExpires();
        var next = ktrdr(words).run();
        assertTrue(next.err().contains("taken over from "), next::toString);
        deployed(next, "workers-b", Aftermath.release("workers-b"));
        assertEquals(built, BuiltImage.content("workers-b", "backtest-worker-1"));
        clean("workers-b", next);
    }
}
