package ktrdr.node;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.StreamSupport;
import ktrdr.Facts;
import ktrdr.Json;
import ktrdr.Problem;
import ktrdr.Sh;

/**
 * Where the database's container keeps its data, and whether that outlives the container.
 *
 * @param there whether there is a container at all
 * @param directory PostgreSQL's data_directory inside the container, with its links resolved; empty if it is unknown
 * @param asked whether PostgreSQL said so itself; else it is PGDATA of a container that did not answer
 * @param mounts of the container
 */
public record DatabaseData(boolean there, String directory, boolean asked, List<Mounted> mounts) {
    /** The names that the Engine gives to anonymous volumes. */
    public static final String ANONYMOUS = "[0-9a-f]{64}";

    /**
     * What is mounted into the container.
     *
     * @param type volume, bind or tmpfs
     * @param name of a volume; {@code source} of a bind mount is the folder on the node
     * @param destination the folder inside the container
     */
    public record Mounted(String type, String name, String source, String destination) {
        boolean named() {
            return type.equals("volume") && !name.matches(ANONYMOUS);
        }

        private boolean holds(String directory) {
            var folder = destination.replaceFirst("(?<!/)/+$", "");
            return directory.equals(folder) || directory.startsWith(folder + "/");
        }

        /** Where the data is, in words. */
        public String words() {
            if (named()) return "in the volume " + name;
            return switch (type) {
                case "volume" -> "in a volume without a name, " + name.substring(0, 12) + "…";
                case "bind" -> "in the folder " + source + " of the node";
                default -> "in a mount of type " + type;
            };
        }
    }

    /**
     * A script that looks at the container; no other variable of its environment leaves the node. Its answer is for
     * {@link #parse}.
     */
    public static String script(String container) {
        return Facts.SAY + Sh.let("container", container) + """
                if mounts=$(docker inspect --type container --format '{{json .Mounts}}' "$container" 2>/dev/null); then
                  say mounts "$mounts"
                  if directory=$(timeout 20 docker exec "$container" sh -c '
                    directory=$(psql -w -U "$POSTGRES_USER" -d "$POSTGRES_DB" -Atqc "show data_directory") && [ -n \
                "$directory" ] || exit 1
                    { cd "$directory" && pwd -P; } 2>/dev/null || printf "%s\\n" "$directory"' 2>/dev/null); then
                    say asked "$directory"
                  else
                    say pgdata "$(docker inspect --type container --format '{{range .Config.Env}}{{println \
                .}}{{end}}' "$container" | sed -n 's/^PGDATA=//p')"
                  fi
                fi
                say end yes
                """;
    }

    /** The answer of {@link #script}. What is of another form is a {@link Problem}. */
    public static DatabaseData parse(String answer) {
        var facts = Facts.parse(answer);
        var mounts = facts.all("mounts").stream().flatMap(json -> mounts(Json.parse(json, "docker")).stream()).toList();
        boolean asked = !facts.get("asked").isEmpty();
        return new DatabaseData(!facts.get("mounts").isEmpty(), asked ? facts.get("asked") : facts.get("pgdata"), asked,
                mounts);
    }

    /** Those of the list that {@code docker inspect} has. */
    public static List<Mounted> mounts(JsonNode list) {
        return StreamSupport.stream(list.spliterator(), false).map(DatabaseData::mounted).toList();
    }

    private static Mounted mounted(JsonNode mount) {
        return new Mounted(mount.path("Type").asText(), mount.path("Name").asText(), mount.path("Source").asText(),
                mount.path("Destination").asText());
    }

    /**
     * The mount in which the data lies: the innermost around it. Empty if it lies in the container itself, or if that
     * is unknown.
     */
    public Optional<Mounted> place() {
        return mounts.stream().filter(mount -> mount.holds(directory))
                .max(Comparator.comparingInt(mount -> mount.destination().length()));
    }

    /**
     * Why a new container would start with an empty database: the data is not in the volume that Compose mounts into
     * it. Empty if it is, or if there is no container whose data could be lost.
     *
     * @param node where
     * @param volume that the Compose file mounts, such as "ktrdr-core_db-data"
     */
    public Optional<Problem> outside(String node, String volume) {
        if (!there || place().filter(mount -> mount.named() && mount.name().equals(volume)).isPresent())
            return Optional.empty();
        var where = place().map(Mounted::words).orElse("in the container itself");
        return Optional.of(
                Problem.failed(node + ": a new database container would not have the data of the current one")
                .expected((asked ? "data_directory" : "PGDATA") + " in the volume " + volume)
                .found(directory.isEmpty() ? "a container that does not report where its data is"
                        : directory + ", " + where)
                .fix("jbang takeover@ktrdr " + node + " moves the data there and keeps the original; nothing was "
                        + "changed"));
    }
}
