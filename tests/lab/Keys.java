package lab;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import lab.Layout.Host;

/** The lab's keys: made beforehand, so that known_hosts is right from the first connection on. */
final class Keys {
    private Keys() {}

    /** Makes all keys where one is missing; answers whether they are new. */
    static boolean ensure(Engine engine, Place place, String image) {
        var needed = new ArrayList<>(List.of(place.identity(), file(place, "ca.crt"), file(place, "registry.crt"), file(place, "registry.key")));
        for (var host : Layout.HOSTS) needed.addAll(List.of(hostFile(place, host, ""), hostFile(place, host, ".pub")));
        if (needed.stream().allMatch(Files::exists)) return false;
        Folders.delete(place.keys());
        Folders.make(place.folder(), "rwx------");
        Folders.make(place.keys(), "rwx------");
        var argv = new ArrayList<>(List.of("run", "--rm", "--network", "none", "--label", Layout.LABEL + "=keys", "-v", place.keys() + ":/out", image, "/lab/keys",
                owner(place.folder()), Layout.REGISTRY_HOST));
        Layout.HOSTS.forEach(host -> argv.add(host.name()));
        engine.docker(argv).must();
        for (var name : List.of("id_ed25519", "id_ed25519.pub")) move(place, name);
        return true;
    }

    private static void move(Place place, String name) {
        try {
            Files.move(file(place, name), place.folder().resolve(name), java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static String owner(Path folder) {
        try {
            return Files.getAttribute(folder, "unix:uid") + ":" + Files.getAttribute(folder, "unix:gid");
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static Path file(Place place, String name) {
        return place.keys().resolve(name);
    }

    private static Path hostFile(Place place, Host host, String ending) {
        return file(place, "host_" + host.name() + ending);
    }

    /** The host's public key as known_hosts has it: type and key. */
    static String hostKey(Place place, Host host) {
        var words = Folders.read(hostFile(place, host, ".pub")).split("\\s+");
        return words[0] + " " + words[1];
    }

    /** The files a host gets: its own key, whom it lets in, and the authority of the registry's certificate. */
    static Map<String, byte[]> forHost(Place place, Host host) {
        var files = new LinkedHashMap<String, byte[]>();
        files.put("etc/ssh/ssh_host_ed25519_key", bytes(hostFile(place, host, "")));
        files.put("etc/ssh/ssh_host_ed25519_key.pub", bytes(hostFile(place, host, ".pub")));
        files.put("root/.ssh/authorized_keys", bytes(place.folder().resolve("id_ed25519.pub")));
        files.put("etc/docker/certs.d/" + Layout.REGISTRY + "/ca.crt", bytes(file(place, "ca.crt")));
        return files;
    }

    /** The files of the registry. */
    static Map<String, byte[]> forRegistry(Place place) {
        return Map.of("registry.crt", bytes(file(place, "registry.crt")), "registry.key", bytes(file(place, "registry.key")));
    }

    private static byte[] bytes(Path file) {
        return Folders.read(file).getBytes(java.nio.charset.StandardCharsets.UTF_8);
    }
}
