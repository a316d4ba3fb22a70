package ktrdr.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import ktrdr.CommandResult;
import ktrdr.Fixtures;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import ktrdr.ScriptExit;
import ktrdr.Sh;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Registry answers recorded on the practice fleet with Docker 26.1.5 ("Raw" omitted), and the script, run with a
 * stand-in for docker.
 */
class RegistryTest {
    private static final String HOST = "registry.ktrdr.home.mynerd.place:5000";
    private static final String POSTGRESQL = """
            {"Ref":"registry.ktrdr.home.mynerd.place:5000/postgresql:17",\
            "Descriptor":{"mediaType":"application/vnd.docker.distribution.manifest.v2+json","digest":"sha256:a6c4f843\
            9576a00c6bad84dc7c72403428adccabd7e0e731ffcf1b5908c868a1","size":949,\
            "platform":{"architecture":"amd64","os":"linux"}},\
            "SchemaV2Manifest":{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json",\
            "config":{"mediaType":"application/vnd.docker.container.image.v1+json","size":3602,"digest":"sha256:203d1a\
            590a7fc74c8132563c9bb1fc5d91d5240f41cb5ff5e17cd346c786f787"},"layers":[\
            {"mediaType":"application/vnd.docker.image.rootfs.diff.tar.gzip","size":35668542,"digest":"sha256:281546ef\
            db276646c2ac65e51953bf9195d9117c7e746612e157f24fc2034ac5"},\
            {"mediaType":"application/vnd.docker.image.rootfs.diff.tar.gzip","size":190807107,"digest":"sha256:0027969\
            b385974a9866dc030d1de96ee404d6dc9dc4bea56fc21fd288a89c60a"},\
            {"mediaType":"application/vnd.docker.image.rootfs.diff.tar.gzip","size":688,"digest":"sha256:ca85995b4b6f2\
            93ecfd19a8c39ba06656a501f69c156811b7ac2792907607557"}]}}""";
    /** As Docker's build-push action pushes it: one image per platform, and an attestation. */
    private static final String SEVERAL = """
            [{"Ref":"registry.ktrdr.home.mynerd.place:5000/ktrdr-backend:look-index@sha256:421c57c38f3a9852567c4c3b18e\
            697bad29c104879327d25a12c446d665b19f5",\
            "Descriptor":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:421c57c38f3a985256\
            7c4c3b18e697bad29c104879327d25a12c446d665b19f5","size":1431,\
            "platform":{"architecture":"amd64","os":"linux"}},\
            "OCIManifest":{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",\
            "config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:33e141ae650f8b21fc7e1aa4\
            8f21f3bc1b680aa88c5978180b00b20a6aef6075","size":4294},"layers":[\
            {"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:281546efdb276646c2ac65e51953bf\
            9195d9117c7e746612e157f24fc2034ac5","size":35668542},\
            {"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:388a620e9639819c48fbb631b682a8\
            45b2e986496ae22d0e99e0b7a3aad071af","size":163993549},\
            {"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:d69fc07b0486e811315d9649c10d67\
            6521278503af9bb8fb62e4da6206403874","size":1133},\
            {"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:76c9851a7fedd286aa8fe12c486f86\
            b708c0d58714a49e8e0b59077d5e45c26a","size":73382},\
            {"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:0c467001957aacbf5f782f5d9b88d5\
            d6d41b5496a9c9479b2cb320a502b52eae","size":352},\
            {"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:b9bde0a8bb560d7897cc855621edcf\
            9afb9cc77621b7780dc63d0125e0aada68","size":170}]}},\
            {"Ref":"registry.ktrdr.home.mynerd.place:5000/ktrdr-backend:look-index@sha256:1342a7dbd4222641c310d8328c5c\
            031f0378cb0e05c015afecf56ebc864b50c5",\
            "Descriptor":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:1342a7dbd4222641c3\
            10d8328c5c031f0378cb0e05c015afecf56ebc864b50c5","size":676,\
            "platform":{"architecture":"arm64","os":"linux","variant":"v8"}},\
            "OCIManifest":{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",\
            "config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:2ad0e937866a0835f90349e3\
            bece6069829d6a8f3f1d9b4362a1d02774f9f18b","size":4443},"layers":[\
            {"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:281546efdb276646c2ac65e51953bf\
            9195d9117c7e746612e157f24fc2034ac5","size":35668542},\
            {"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:388a620e9639819c48fbb631b682a8\
            45b2e986496ae22d0e99e0b7a3aad071af","size":163993549}]}},\
            {"Ref":"registry.ktrdr.home.mynerd.place:5000/ktrdr-backend:look-index@sha256:76935876c796f297c51f92d6dbad\
            0181d363340b79586431d66ef3a308566d86",\
            "Descriptor":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:76935876c796f297c5\
            1f92d6dbad0181d363340b79586431d66ef3a308566d86","size":565,\
            "platform":{"architecture":"unknown","os":"unknown"}},\
            "OCIManifest":{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",\
            "config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:aea9ea01f8fda0ef4cc862cb\
            ffa667991afb946ac94b83f32c3f0ea9fa525b12","size":177},"layers":[\
            {"mediaType":"application/vnd.in-toto+json","digest":"sha256:1f5ad89085e546bd49a0b9bf650b9b6962c2dd617c192\
            dcdd7eaf6a8dab0c683","size":124,"annotations":{"in-toto.io/predicate-type":"https://slsa.dev/provenance/v0\
            .2"}}]}}]""";
    private final Registry registry = new Registry(HOST, "kpiteira");
    @TempDir Path folder;

    private Registry.Images answer(String... facts) {
        return registry.answer("core", new CommandResult(0, String.join("\n", facts) + "\nend\tyes\n", ""));
    }

    private Problem refused(String said) {
        return answer("refused " + HOST + "/a:1\t" + said).problems().get(HOST + "/a:1");
    }

    @Test
    void the_digests_are_those_that_the_image_has_after_the_pull() {
        var image = answer("platform\tlinux/amd64", "manifest " + HOST + "/postgresql:17\t" + POSTGRESQL).manifests()
                .get(HOST + "/postgresql:17");
        // docker image inspect --format '{{json .RepoDigests}} {{.Id}}'
        assertEquals("sha256:a6c4f8439576a00c6bad84dc7c72403428adccabd7e0e731ffcf1b5908c868a1", image.digest());
        assertEquals("sha256:203d1a590a7fc74c8132563c9bb1fc5d91d5240f41cb5ff5e17cd346c786f787", image.config());
        assertEquals(35668542 + 190807107 + 688, image.bytes());
        assertEquals(3, image.layers().size());
    }

    @Test
    void of_an_image_for_several_platforms_the_nodes_own_is_taken() {
        var name = "manifest " + HOST + "/ktrdr-backend:several";
        var amd64 = answer("platform\tlinux/amd64", name + "\t" + SEVERAL).manifests()
                .get(HOST + "/ktrdr-backend:several");
        assertEquals("sha256:421c57c38f3a9852567c4c3b18e697bad29c104879327d25a12c446d665b19f5", amd64.digest());
        assertEquals(6, amd64.layers().size());
        var arm64 = answer("platform\tlinux/arm64", name + "\t" + SEVERAL).manifests()
                .get(HOST + "/ktrdr-backend:several");
        assertEquals("sha256:2ad0e937866a0835f90349e3bece6069829d6a8f3f1d9b4362a1d02774f9f18b", arm64.config());
        var none = answer("platform\tlinux/riscv64", name + "\t" + SEVERAL);
        assertEquals(Map.of(), none.manifests());
        assertEquals("for linux/amd64, linux/arm64", none.problems().get(HOST + "/ktrdr-backend:several").details()
                .get("found"));
    }

    @Test
    void distinguishes_a_missing_image_from_an_unreachable_registry() {
        assertEquals("core: there is no image " + HOST + "/a:1 in the registry",
                refused("1 no such manifest: " + HOST + "/a:1").sentence());
        assertEquals("core: the registry did not let kpiteira see " + HOST + "/a:1",
                refused("1 Get \"https://" + HOST + "/v2/a/manifests/1\": no basic auth credentials").sentence());
        for (var gone : List.of("124", "137",
                "1 failed to configure transport: error pinging v2 registry: Get \"https://" + HOST
                + "/v2/\": dial tcp 10.42.1.2:5999: connect: connection refused", "125 timeout: no such command"))
            assertEquals("core: the registry could not be asked about " + HOST + "/a:1", refused(gone).sentence(),
                    gone);
        assertEquals("no answer within 20 s", refused("124").details().get("found"));
        assertTrue(refused("1 no such manifest: " + HOST + "/a:1").details().get("to do").contains("kpiteira"));
    }

    @Test
    void explains_a_failed_login_by_exit_code_and_engine_message() {
        var words = Map.of("login attempt to https://" + HOST + "/v2/ failed with status: 401 Unauthorized",
                "did not accept the login of kpiteira",
                "Get \"https://" + HOST + "/v2/\": dial tcp 10.42.1.2:5000: connect: connection refused",
                "could not be asked",
                "Get \"https://" + HOST + "/v2/\": dial tcp: lookup registry on 127.0.0.11:53: no such host",
                "could not be asked");
        words.forEach((said, sentence) -> assertEquals("core: the registry " + HOST + " " + sentence,
                assertThrows(Problem.class,
                        () -> registry.answer("core",
                                new CommandResult(11, "", "Error response from daemon: " + said + "\n"))).sentence()));
        assertEquals("no answer within 20 s", registry.failure("core", new CommandResult(13, "", "")).orElseThrow()
                .details().get("found"));
        assertTrue(registry.failure("core", new CommandResult(10, "", "")).isPresent());
        assertTrue(registry.failure("core", new CommandResult(12, "", "")).isEmpty());
    }

    @Test
    void half_an_answer_or_one_of_another_form_is_none() {
        assertThrows(Problem.class, () -> registry.answer("core", new CommandResult(0, "platform\tlinux/amd64\n", "")));
        assertThrows(Problem.class, () -> answer("platform\tlinux/amd64", "manifest a\t{\"Ref\":"));
        assertThrows(Problem.class, () -> answer("platform\tlinux/amd64", "manifest a\t{\"schemaVersion\":1}"));
        assertThrows(Problem.class, () -> answer("platform\tlinux/amd64", "manifest a\t[null]"));
    }

    @Test
    void a_size_that_is_none_is_told_and_never_counted_as_little() {
        for (var size : List.of("-1", "\"many\"", "null", "1e400", "99999999999999999999", "9223372036854775807",
                "4611686018427387904"))
            assertTrue(assertThrows(Problem.class,
                    () -> answer("platform\tlinux/amd64", "manifest " + HOST + "/a:1\t"
                            + POSTGRESQL.replace("\"size\":35668542", "\"size\":" + size)), size)
                    .sentence().endsWith("in an unknown form"));
    }

    @Test
    void disk_need_covers_unpacked_layers_and_counts_shared_ones_once() {
        // bytes of a layer, and its KiB in a node's /var/lib/docker/overlay2
        var measured = Map.of(35668542L, 93528L, 163993549L, 362844L, 190807107L, 382204L, 73382L, 104L, 1133L, 56L,
                170L, 32L);
        measured.forEach((bytes, kibibytes) -> {
            var need = Registry.need(List.of(image("a", bytes)));
            assertTrue(need >= bytes + 1024 * kibibytes, bytes + " needs more than " + need);
        });
        assertTrue(Registry.need(List.of(image("a", 163993549L))) < 163993549L * 5);
        assertEquals(Registry.need(List.of(image("a", 1000, 200))),
                Registry.need(List.of(image("a", 1000), image("b", 1000, 200))));
        assertEquals(0, Registry.need(List.of()));
    }

    private static Registry.Manifest image(String name, long... layers) {
        return new Registry.Manifest(name, "sha256:" + name, "sha256:" + name,
                Arrays.stream(layers).mapToObj(bytes -> new Registry.Layer("sha256:" + bytes, bytes)).toList());
    }

    /** Runs a query script with a stand-in for docker. */
    private CommandResult ask(String docker, List<String> images) throws IOException {
        assumeTrue(LocalCommand.command("stat", "-f", "-c", "%T", "/dev/shm").run().out().strip().equals("tmpfs"),
                "there is no tmpfs here");
        Fixtures.program(folder.resolve("docker"), docker);
        var script = registry.ask(images).replace("patience=20", "patience=1");
        return LocalCommand.command("sh", "-s")
                .input("PATH=" + Sh.quote(folder.toString())
                        + ":$PATH\nSCRIPT=$$\nexport SCRIPT\nREGISTRY_TOKEN='the token'\n" + Sh.whole(script)).run();
    }

    private static Set<Path> logins() throws IOException {
        try (var all = Files.list(Path.of("/dev/shm"))) {
            return all.filter(path -> path.getFileName().toString().startsWith("ktrdr.")).collect(Collectors.toSet());
        }
    }

    @Test
    void images_are_asked_about_side_by_side_and_nothing_is_left() throws IOException {
        var before = logins();
        long started = System.nanoTime();
        var asked = ask("""
                case "$1 $*" in
                  login*) cat >"$DOCKER_CONFIG/token"; printf '%s' "$*" >"$DOCKER_CONFIG/arguments" ;;
                  version*) echo linux/amd64 ;;
                  *here*) sleep 0.5; grep -qx 'the token' "$DOCKER_CONFIG/token" && ! grep -q token \
                "$DOCKER_CONFIG/arguments" && cat "${0%/*}/answer" ;;
                  *slow*) exec sleep 30.125 ;;
                  *) echo "no such manifest: x" >&2; exit 1 ;;
                esac
                """, answers(List.of("here:1", "here:2", "here:3", "slow:1", "gone:1", "na'me here")));
        assertTrue((System.nanoTime() - started) / 1e9 < 10);
        var answer = registry.answer("core", asked);
        assertEquals(Set.of("here:1", "here:2", "here:3", "na'me here"), answer.manifests().keySet());
        assertEquals(List.of("core: the registry could not be asked about slow:1",
                "core: there is no image gone:1 in the registry"),
                answer.problems().values().stream().map(Problem::sentence).toList());
        assertEquals(before, logins());
    }

    private List<String> answers(List<String> images) throws IOException {
        Files.writeString(folder.resolve("answer"), POSTGRESQL.replace(",", ",\n\t"));
        return images;
    }

    @Test
    void a_refused_or_silent_login_ends_the_script_and_cleans_up() throws IOException {
        var before = logins();
        var refused = ask("echo 'failed with status: 401 Unauthorized' >&2; exit 1\n", List.of("a"));
        assertEquals(ScriptExit.NO_LOGIN.code, refused.exit());
        assertEquals("failed with status: 401 Unauthorized", refused.err().strip());
        var silent = ask("trap '' TERM; sleep 30.125 & wait\n", List.of("a"));
        assertEquals(ScriptExit.SILENT.code, silent.exit());
        assertEquals("", silent.err());
        assertEquals(before, logins());
        assertFalse(LocalCommand.command("sh", "-c", "ps ax | grep '[s]leep 30\\.125'").run().ok());
    }

    @Test
    void a_login_of_a_script_that_was_killed_goes_with_the_next_one() throws IOException {
        var before = logins();
        var killed = ask("[ \"$1\" = login ] && exec cat >\"$DOCKER_CONFIG/config.json\"\nkill -s KILL \"$SCRIPT\"\n",
                List.of("a"));
        assertEquals(137, killed.exit());
        assertEquals(before.size() + 1, logins().size(), "nothing can remove it then");
        ask("exit 1\n", List.of("a"));
        assertEquals(before, logins());
    }

    @Test
    void the_scripts_are_clean_shell() {
        assumeTrue(LocalCommand.command("sh", "-c", "command -v shellcheck").run().ok(), "shellcheck is not installed");
        for (var script : List.of(registry.ask(List.of("a", "b'c")),
                new Registry(HOST, "kpiteira").pull(Map.of("a@sha256:1", "a:tag", "b", "")))) {
            var said = LocalCommand.command("shellcheck", "-S", "warning", "-")
                    .input("#!/bin/sh\nset -eu\nREGISTRY_TOKEN=x\n" + script).run();
            assertTrue(said.ok(), said::out);
        }
    }
}
