package ktrdr.deploy;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import ktrdr.release.ComposeFile;
import ktrdr.release.Stack;
import ktrdr.release.Templates.NodeFile;

/** The volume that a service keeps its data in: the first that its Compose file mounts by a name. */
final class DataVolume {
    private DataVolume() {}

    /** As Docker calls it, such as "ktrdr-core_db-data"; empty if these Compose files have none for the service. */
    static Optional<String> of(Stack stack, List<NodeFile> files, String service) {
        var file = ComposeFile.tree(files);
        return list(map(map(file, "services"), service), "volumes").stream().map(DataVolume::name)
                .flatMap(Optional::stream).findFirst()
                .map(name -> Optional.ofNullable(map(map(file, "volumes"), name).get("name")).map(Object::toString)
                        .orElse(stack.project() + "_" + name));
    }

    private static Optional<String> name(Object mount) {
        if (mount instanceof Map<?, ?> keys) return Optional.ofNullable(keys.get("source")).map(Object::toString)
                .filter(source -> "volume".equals(keys.get("type")));
        var words = String.valueOf(mount).split(":", 2);
        return Optional.of(words[0]).filter(source -> words.length > 1 && source.matches("[A-Za-z0-9][\\w.-]*"));
    }

    private static Map<?, ?> map(Map<?, ?> in, String key) {
        return in.get(key) instanceof Map<?, ?> found ? found : Map.of();
    }

    private static List<?> list(Map<?, ?> in, String key) {
        return in.get(key) instanceof List<?> found ? found : List.of();
    }
}
