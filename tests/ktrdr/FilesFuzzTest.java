package ktrdr;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import ktrdr.inventory.Inventory;
import ktrdr.ssh.HostKeys;
import ktrdr.ssh.SshConfig;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;

/** Hand-written files with arbitrary content: the toolkit reads them, or refuses them with one-line errors. */
class FilesFuzzTest {
    private static Path file;

    @BeforeContainer
    static void a_file() throws IOException {
        file = Files.createTempFile("inventory", ".yaml");
    }

    @AfterContainer
    static void gone() throws IOException {
        Files.delete(file);
    }

    private static void read(byte[] bytes, Consumer<Path> reader) {
        try {
            Files.write(file, bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Mutants.calm(() -> reader.accept(file));
    }

    @Provide
    Arbitrary<String> damaged() throws IOException {
        return Mutants.of(Fixtures.INVENTORY, Files.readString(Project.root().resolve("inventory.yaml")));
    }

    @Property(seed = Mutants.SEED)
    void damaged_in_places(@ForAll("damaged") String text) {
        read(text.getBytes(StandardCharsets.UTF_8), Inventory::read);
    }

    @Provide
    Arbitrary<Charset> encodings() {
        return Arbitraries.of(StandardCharsets.UTF_16, StandardCharsets.UTF_16LE, StandardCharsets.ISO_8859_1,
                Charset.forName("UTF-32"), Charset.forName("windows-1252"));
    }

    @Property(seed = Mutants.SEED)
    void in_another_encoding(@ForAll("damaged") String text, @ForAll("encodings") Charset encoding) {
        read(text.getBytes(encoding), Inventory::read);
    }

    @Property(seed = Mutants.SEED)
    void of_any_bytes(@ForAll byte[] bytes) {
        read(bytes, Inventory::read);
    }

    @Provide
    Arbitrary<String> configurations() {
        return Mutants.of("""
                Host *.ktrdr.test !core.ktrdr.test
                  User karl
                  Port 2222
                  IdentityFile ~/.ssh/%h
                Match all
                  HostName %h.ktrdr.test
                  ProxyJump karl@jump:22
                  UserKnownHostsFile ~/.ssh/known_hosts /dev/null
                """);
    }

    @Property(seed = Mutants.SEED)
    void of_ssh(@ForAll("configurations") String text) {
        read(text.getBytes(StandardCharsets.UTF_8),
                config -> SshConfig.read(config, config.getParent()).lookup("b.ktrdr.test"));
    }

    @Provide
    Arbitrary<String> hosts() {
        return Mutants.of(
                "b.ktrdr.test,10.0.0.11 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0l\n@revoked *.test ssh-rsa "
                        + "AAAA\n|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= ssh-ed25519 AAAAC3Nz\n");
    }

    @Property(seed = Mutants.SEED)
    void of_known_hosts(@ForAll("hosts") String text) {
        read(text.getBytes(StandardCharsets.UTF_8),
                known -> new HostKeys("workers-b", "b.ktrdr.test", Optional.empty(), 22, List.of(known),
                        Optional.empty()).findExistingAlgorithms("", 22));
    }
}
