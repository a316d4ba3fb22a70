package standin;

import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** What a stand-in {@link Worker} reads from its environment, by KTRDR's own variables. */
final class WorkerSettings {
    private final Map<String, String> env;

    WorkerSettings(Map<String, String> env) {
        this.env = env;
    }

    private String first(String... names) {
        for (var name : names) if (!env.getOrDefault(name, "").isBlank()) return env.get(name).strip();
        return "";
    }

    String id(String type) {
        var given = first("KTRDR_WORKER_ID");
        return given.isEmpty() ? type + "-worker-" + Traces.id(4) : given;
    }

    String backend() {
        return first("KTRDR_API_CLIENT_BASE_URL", "KTRDR_API_URL").replaceFirst("/+$", "")
                .replaceFirst("/api/v1$", "");
    }

    String share() {
        return first("KTRDR_DATA_SHARED_MOUNT_PATH");
    }

    Path checkpoints() {
        // a tag older than all migrations does not know the newer names
        boolean older = env.getOrDefault("KTRDR_STANDIN_REVISIONS", "some").isEmpty();
        var folder = first(older ? "CHECKPOINT_DIR" : "KTRDR_CHECKPOINT_DIR");
        return Path.of(folder.isEmpty() ? share() + "/results/checkpoints" : folder);
    }

    /** The URL at which others reach it. */
    String url(int port) throws IOException {
        var named = first("KTRDR_WORKER_PUBLIC_BASE_URL", "WORKER_PUBLIC_BASE_URL");
        if (!named.isEmpty()) return named.replaceFirst("/+$", "");
        var name = first("WORKER_HOSTNAME");
        return "http://" + (name.isEmpty() ? InetAddress.getLocalHost().getHostName() : name) + ":" + port;
    }

    /** What a training worker's own torch detects; no variable of KTRDR sets it. */
    Map<String, Object> gpu() {
        boolean gpu = Files.exists(Path.of(env.getOrDefault("KTRDR_STANDIN_DEVICES", "/dev"), "nvidia0"));
        return gpu ? Json.map("gpu", true, "gpu_type", "CUDA", "gpu_count", 1) : Json.map("gpu", false);
    }
}
