package ktrdr.node;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import ktrdr.Sh;

/**
 * Whether the containers of a stack that read the toolkit's files still have the current folder: a bind mount keeps the
 * folder that it was made of, even after that was removed or replaced.
 */
public final class StaleMounts {
    /**
     * The shell function {@code stale}: of these containers it prints the names of those that run and mount a folder
     * which is no longer the folder at its path below {@code $here}. It omits mounts that it may not inspect, as
     * without root.
     */
    public static final String STALE = """
            here=$(cd -P "$directory" 2>/dev/null && pwd) || here=$directory
            stale() {
              docker inspect --type container --format '{{.State.Pid}}|{{.Name}}{{range .Mounts}}{{if eq .Type \
            "bind"}}|{{.Source}}|{{.Destination}}{{end}}{{end}}' "$@" 2>/dev/null |
                while IFS='|' read -r pid name mounts; do
                  [ "$pid" != 0 ] || continue
                  while [ -n "$mounts" ]; do
                    source=${mounts%%|*}
                    mounts=${mounts#*|}
                    inside=${mounts%%|*}
                    case $mounts in *'|'*) mounts=${mounts#*|} ;; *) mounts= ;; esac
                    case $source in "$here"/*) ;; *) continue ;; esac
                    seen=$(stat -Lc %d:%i "/proc/$pid/root$inside" 2>/dev/null) || continue
                    [ "$seen" != "$(stat -Lc %d:%i "$source" 2>/dev/null)" ] || continue
                    printf '%s\\n' "${name#/}"
                    break
                  done
                done
            }
            """;

    private StaleMounts() {}

    /**
     * Shell lines that say {@code stale} for each service that has another folder than the one below the stack's, with
     * {@code say} defined and {@code directory} as the stack's.
     *
     * @param containers of the services that read the toolkit's files, by service; where there are none, no lines
     */
    public static String script(Map<String, String> containers) {
        if (containers.isEmpty()) return "";
        var cases = containers.entrySet().stream().map(of -> "    " + Sh.quote(of.getValue()) + ") say "
                + Sh.quote("stale " + of.getKey()) + " yes ;;\n").collect(Collectors.joining());
        return STALE + "for name in $(stale " + Sh.words(List.copyOf(containers.values())) + "); do\n  case $name in\n"
                + cases + "  esac\ndone\n";
    }
}
