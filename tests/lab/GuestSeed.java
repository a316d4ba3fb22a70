package lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import ktrdr.LocalCommand;

/** What makes each guest unique: keys, names and address, on a disk of its own. */
final class GuestSeed {
    private final Path folder;

    /** @@ @param folder where all guests have their files */
    GuestSeed(Path folder) {
        this.folder = folder;
    }

    void key(String name, String comment) {
        LocalCommand.command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f",
                folder.resolve(name).toString()).must();
    }

    /** The seed as a tar file that is its second disk. */
    void write(Guests.Guest guest) throws IOException {
        var staging = folder.resolve("staging");
        var hosts = new StringBuilder("127.0.0.1 localhost\n");
        for (var other : Guests.ALL)
            hosts.append(other.address()).append(' ').append(other.fqdn()).append(' ').append(other.host())
                    .append('\n');
        put(staging, "etc/hosts", hosts.toString(), "rw-r--r--");
        put(staging, "etc/hostname", guest.name() + "\n", "rw-r--r--");
        put(staging, "etc/systemd/network/lan.network", "[Match]\nName=eth0\n[Network]\nAddress=" + guest.address()
                + "/24\nIPv6AcceptRA=no\nLinkLocalAddressing=no\n", "rw-r--r--");
        put(staging, "etc/ssh/ssh_host_ed25519_key", Files.readString(folder.resolve("host_" + guest.name())),
                "rw-------");
        put(staging, "root/.ssh/authorized_keys", Files.readString(folder.resolve("id_ed25519.pub")), "rw-------");
        for (var closed : List.of("root", "root/.ssh"))
            Files.setPosixFilePermissions(staging.resolve(closed), PosixFilePermissions.fromString("rwx------"));
        LocalCommand.command("tar", "-C", staging.toString(), "--owner=0", "--group=0", "-cf",
                folder.resolve(guest.name() + ".tar").toString(), "etc", "root").must();
        Engine.deleteTree(staging);
    }

    private static void put(Path staging, String name, String content, String mode) throws IOException {
        var file = staging.resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, content);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
    }
}
