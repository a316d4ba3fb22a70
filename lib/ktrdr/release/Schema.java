package ktrdr.release;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import ktrdr.Console;
import ktrdr.Facts;
import ktrdr.LastWords;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.inventory.Part;
import ktrdr.node.NodeFiles;
import ktrdr.report.Check;
import ktrdr.report.CheckId;

/**
 * The schema of the database compared with a release: the revisions that the alembic of an image knows, and the
 * revision that the database has.
 *
 * An image reports its revisions without database and network ({@code alembic history}), so that both can be compared
 * before anything is stopped. The answer of an image is kept by its id in {@code .ktrdr/revisions} on the node, since
 * it never changes.
 *
 * @param target what the image knows; empty if it is not on the node yet
 * @param database where the database is
 */
public record Schema(Optional<Revisions> target, Database database) {
    /** What to do with the schema of a database that the release does not know. */
    public enum Policy { refuse, keep, downgrade }

    /** How the database's revision compares with those of an image. */
    public enum State {
        /** The database has the revision of the image. */
        SAME,
        /** The database has no alembic schema, or a schema that the image can upgrade. */
        BEHIND,
        /** The database has a revision that the image does not know: a newer release made it. */
        UNKNOWN,
        /** The image has no alembic, or no migrations. */
        NO_ALEMBIC,
        /** The image is not there yet, or the database is not. */
        OPEN
    }

    /**
     * What an image knows.
     *
     * @param alembic whether it has migrations at all
     * @param known every revision, {@code heads} those that none follows
     */
    public record Revisions(boolean alembic, List<String> known, List<String> heads) {
        /**
         * A line of `alembic history`: "a1 -> b2 (head), create table". Several before the arrow are those that one
         * merges.
         */
        private static final Pattern LINE =
                Pattern.compile("^(?:<base>|[\\w, ]+) -> (\\w+)((?: \\(\\w+\\))*)(?:, .*)?$");
        private static final Pattern NONE =
                Pattern.compile("No config file|No 'script_location' key|Path doesn't exist");

        /** Reads the result of `alembic history`; anything but a history or a missing alembic is a {@link Problem}. */
        static Revisions parse(int exit, String said) {
            if (exit == 127 || exit != 0 && NONE.matcher(said).find())
                return new Revisions(false, List.of(), List.of());
            if (exit != 0) throw Problem.failed("alembic in the image does not report its revisions")
                    .expected("`alembic history` ends with 0").found("exit code " + exit + ": " + LastWords.of(said));
            var known = new ArrayList<String>();
            var heads = new ArrayList<String>();
            said.lines().map(String::strip).map(LINE::matcher).filter(Matcher::matches).forEach(line -> {
                known.add(line.group(1));
                if (line.group(2).contains("(head)") || line.group(2).contains("(effective head)"))
                    heads.add(line.group(1));
            });
            return new Revisions(!known.isEmpty(), known, heads);
        }
    }

    /**
     * The database.
     *
     * @param running whether its container runs
     * @param revisions in alembic_version; none without that table
     * @param error why it did not answer, else empty
     * @param names the names that the server has, if it did not answer
     */
    public record Database(boolean running, List<String> revisions, String error, DatabaseNames names) {
        public Database(boolean running, List<String> revisions, String error) {
            this(running, revisions, error, DatabaseNames.UNKNOWN);
        }

        /** Whether it runs and has reported its revision. */
        public boolean answers() {
            return running && error.isEmpty();
        }

        /** Its revision in words. */
        public String words() {
            return revisions.isEmpty() ? "nothing" : String.join(", ", revisions);
        }
    }

    /** The compared state. */
    public State state() {
        if (target.isEmpty()) return State.OPEN;
        var image = target.get();
        if (!image.alembic()) return State.NO_ALEMBIC;
        if (!database.answers()) return State.OPEN;
        if (!image.known().containsAll(database.revisions())) return State.UNKNOWN;
        return database.revisions().containsAll(image.heads()) ? State.SAME : State.BEHIND;
    }

    /** Whether the image has more than one head, so that there is no single revision to upgrade to. */
    public boolean severalHeads() {
        return target.filter(image -> image.heads().size() > 1).isPresent();
    }

    /** The revisions that the image needs: its head, or heads. */
    public String head() {
        return target.filter(Revisions::alembic).map(image -> String.join(", ", image.heads())).orElse("");
    }

    /**
     * Shell lines that say what {@link #parse} reads, with {@code say} and {@code directory} defined.
     *
     * @param core the stack that has it
     * @param database its name
     * @param asRole whether it is asked as the configured role: see {@link DatabaseNames#exec}
     * @param images words of the shell that are images; without one only the database is asked
     * @param keep whether the answer of an image may be kept on the node
     */
    public static String question(Stack core, String database, boolean asRole, List<String> images, boolean keep) {
        return (images.isEmpty() ? "" : revisions(keep)) + images.stream().map(image -> "revisions " + image + "\n")
                .collect(Collectors.joining()) + database(core, database, DatabaseNames.exec(asRole));
    }

    /** The same, asked as the present role. */
    public static String question(Stack core, String database, List<String> images, boolean keep) {
        return question(core, database, false, images, keep);
    }

    /** The function {@code revisions IMAGE}; it says nothing about a missing image. */
    private static String revisions(boolean keep) {
        return """
                revisions() {
                  id=$(docker image inspect --format '{{.Id}}' "$1" 2>/dev/null) || return 0
                  kept=$directory/.ktrdr/revisions
                  if [ ! -L "$kept" ] && [ -f "$kept/${id#sha256:}" ] && [ ! -L "$kept/${id#sha256:}" ]; then
                    say "revisions $1" "$(cat "$kept/${id#sha256:}")"
                    return 0
                  fi
                  code=0
                  said=$(timeout 120 docker run --rm --network none --entrypoint alembic "$id" history 2>&1) || code=$?
                  said="$code $(printf '%s' "$said" | base64 | tr -d '\\n')"
                  say "revisions $1" "$said"
                """ + (keep ? """
                  case $code in 0 | 127) ;; *) return 0 ;; esac
                  # the last twenty; what cannot be kept is asked again
                  [ ! -L "$kept" ] && [ -d "$directory/.ktrdr" ] && mkdir -p "$kept" || return 0
                  rm -f "$kept/new"
                  { printf '%s\\n' "$said" >"$kept/new" && mv -fT "$kept/new" "$kept/${id#sha256:}"; } 2>/dev/null || \
                rm -f "$kept/new"
                  ls -t "$kept" | tail -n +21 | while IFS= read -r old; do rm -f "$kept/$old"; done
                """ : "") + "}\n";
    }

    /**
     * Says the revision of the database. A missing table is known by its SQLSTATE, 42P01, whatever the server's
     * language. For a missing database PostgreSQL has only words.
     */
    private static String database(Stack core, String name, String exec) {
        return core.database() + Sh.let("database", name) + """
                if [ "$(docker inspect --format '{{.State.Running}}' "$container" 2>/dev/null)" = true ]; then
                  # shellcheck disable=SC2016 # for the shell in the container
                  if said=$(EXEC sh -c 'psql -w -X -v VERBOSITY=sqlstate -Atq -U "${KTRDR_DB_USER:-$POSTGRES_USER}" \
                -d "$1" -c "$2"' sh "$database" \\
                    "select version_num from alembic_version order by 1" 2>&1); then say schema "is $said"
                  else
                    case $said in *42P01*) say schema is ;; *)
                      say schema "silent $said"
                NAMES
                    esac
                  fi
                else
                  say schema off
                fi
                """.replace("EXEC", exec).replace("NAMES\n", DatabaseNames.script(exec));
    }

    /** Reads what {@link #question} said. */
    public static Schema parse(Facts facts) {
        var target = facts.under("revisions").values().stream().findFirst().map(Schema::revisions);
        var said = facts.get("schema").split(" ", 2);
        var words = said.length < 2 ? "" : said[1].strip();
        return new Schema(target, switch (said[0]) {
            case "is" -> new Database(true, words.isEmpty() ? List.of() : List.of(words.split("\\s+")), "");
            case "silent" -> new Database(true, List.of(), words.isEmpty() ? "no answer within 20 s" : words,
                    DatabaseNames.parse(facts));
            default -> new Database(false, List.of(), "");
        });
    }

    /** What one image said. */
    public static Revisions revisions(String said) {
        var parts = said.split(" ", 2);
        return Revisions.parse((int) Facts.number("revisions", parts[0]),
                NodeFiles.decode(parts.length < 2 ? "" : parts[1]));
    }

    /** The check of verify. */
    public Check check(Stack core, String release) {
        var id = CheckId.ofFleet(Part.DATABASE.check(), "schema");
        var node = core.node().name();
        var deploy = "jbang deploy@ktrdr core " + core.needed(Part.BACKEND);
        var expected = "the database has the schema of " + release;
        return switch (state()) {
            case NO_ALEMBIC -> new Check(id, node, true, expected, release + " has no alembic", "", 0);
            case SAME -> new Check(id, node, true, expected, database.words(), "", 0);
            case BEHIND -> new Check(id, node, false, expected + ": " + head(),
                    database.revisions().isEmpty() ? "no schema of alembic's" : database.words() + ", which is older",
                    severalHeads() ? "deploy a release whose migrations are merged: this one has several heads"
                            : deploy + " --tag " + release, 0);
            case UNKNOWN -> new Check(id, node, false, expected + ": " + head(),
                    database.words() + ", which a newer release made",
                    "deploy that release, or: " + deploy + " --schema downgrade", 0);
            case OPEN -> new Check(id, node, false, expected,
                    database.running() ? database.error().isEmpty() ? "the image of " + release + " is not there"
                            : Console.brief(database.error(), 200)
                    : "the database does not run", "on " + node + ": docker logs "
                            + core.container(core.needed(Part.DATABASE)), 0);
        };
    }
}
