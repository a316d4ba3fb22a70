package ktrdr.release;

import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import ktrdr.Exit;
import ktrdr.Facts;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Part;
import ktrdr.inventory.Secrets;

/**
 * The names that a running PostgreSQL has. It reads POSTGRES_DB and POSTGRES_USER once, at its first start over an
 * empty folder, and keeps both whatever the container gets later.
 *
 * @param wanted the database that is asked for
 * @param there the databases on the server; empty if not known
 * @param role whether it has the role of db_username, as far as that was asked
 */
public record DatabaseNames(String wanted, List<String> there, boolean role) {
    static final DatabaseNames UNKNOWN = new DatabaseNames("", List.of(), true);
    private static final String DATABASE = "database ";
    private static final String NO_ROLE = "no role";
    private static final String KEPT_BY_RESTORES = ".*_(restoring|replaced_[0-9_]*)";

    /**
     * Shell lines that ask for them, with {@code say} defined, {@code container} and {@code database} set, and the
     * container running. A server during its first start answers on its own socket already: it is reported as unknown.
     *
     * @param exec the start of the command that goes into the container: see {@link #exec}
     */
    static String script(String exec) {
        return "say wanted \"$database\"\n# shellcheck disable=SC2016 # for the shell in the container\nkept=$(" + exec
                + """
                         sh -c '
                          pg_isready -q -h 127.0.0.1 || exit 1
                          ask() { psql -w -X -Atq -U "$1" -d template1 -c "$2"; }
                          ask "${KTRDR_DB_USER:-$POSTGRES_USER}" "$1" && exit
                          ask "$POSTGRES_USER" "$1" || exit 1
                          ask "$POSTGRES_USER" "select rolname from pg_roles" | grep -qxF -- "$KTRDR_DB_USER" || echo \
                        no role
                        ' sh "select 'database ' || datname from pg_database where not datistemplate order by datname" \
                        2>/dev/null) || kept=
                        printf '%s\\n' "$kept" | while IFS= read -r one; do [ -z "$one" ] || say kept "$one"; done
                        """;
    }

    /**
     * The start of a command in the database's container, within 20 s.
     *
     * @param asRole whether it gets the name of the role that is to be, in a script that has {@code with_secrets}; then
     *     the time is that of a program in the container, since one around docker would have every secret in its
     *     environment
     */
    static String exec(boolean asRole) {
        return asRole ? "with_secrets docker exec -e " + Secrets.Field.DB_USERNAME.variable()
                + " \"$container\" timeout 20"
                : "timeout 20 docker exec \"$container\"";
    }

    /** What {@link #script} said. */
    static DatabaseNames parse(Facts facts) {
        var kept = facts.all("kept");
        var there = kept.stream().filter(line -> line.startsWith(DATABASE))
                .map(line -> line.substring(DATABASE.length())).toList();
        return new DatabaseNames(facts.get("wanted"), there, !kept.contains(NO_ROLE));
    }

    /** Whether the server is known not to have the database. */
    public boolean absent() {
        return !there.isEmpty() && !there.contains(wanted);
    }

    /** In words what the server has instead. */
    public String found() {
        return "no such database; the server has " + String.join(", ", there);
    }

    /** The fix if the inventory names a database that the server in this container does not have. */
    public String fix(String container) {
        var ours = there.stream().filter(name -> !name.equals("postgres") && !name.matches(KEPT_BY_RESTORES)).toList();
        var create = psql(container, "create database " + quoted(wanted));
        if (ours.size() != 1)
            return "the name of an existing database as database.name in the inventory; or, on core, for a new and "
                    + "empty one: " + create;
        var name = ours.get(0);
        // no session may reconnect between the end of the others and the new name
        var rename = psql(container, "alter database " + quoted(name) + " allow_connections false",
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = \\$\\$" + name + "\\$\\$",
                "alter database " + quoted(name) + " rename to " + quoted(wanted),
                "alter database " + quoted(wanted) + " allow_connections true");
        return "`database: {name: " + name +
                "}` in the inventory; or rename it on core; KTRDR has no database until"
                + " it is deployed: " + rename + "; or, for a new and empty one: " + create;
    }

    private static String quoted(String name) {
        return name.matches("[a-z_][a-z0-9_]*") ? name : "\\\"" + name + "\\\"";
    }

    private static String psql(String container, String... statements) {
        return "docker exec " + container + " sh -c 'psql -U \"$POSTGRES_USER\" -d template1"
                + Stream.of(statements).map(text -> " -c \"" + text + "\"").collect(Collectors.joining()) + "'";
    }

    /**
     * Asks the running server on core, for a deployment elsewhere that gives containers another name than before. If
     * core does not answer, the deployment goes on.
     */
    public static void prove(Fleet fleet, String name, String release) {
        var core = Stack.of(fleet.inventory(), fleet.inventory().core());
        if (core.service(Part.DATABASE).isEmpty()) return;
        Facts facts;
        try {
            facts = Facts.parse(fleet.ssh(core.node()).must(Facts.SAY + core.database()
                    + Sh.let("database", name) + script(exec(false)) + "say end yes\n"));
        } catch (Problem silent) {
            if (silent.exit() == Exit.INTERRUPTED) throw silent;
            return;
        }
        parse(facts).prove(fleet.inventory(), release);
    }

    /** A {@link Problem} if the server does not have the names that this release is deployed with. */
    public void prove(Inventory inventory, String release) {
        problem(Stack.of(inventory, inventory.core()), wanted.equals(inventory.database().name()) ? "" : release)
                .ifPresent(problem -> {
                    throw problem;
                });
    }

    /**
     * Why nothing may be deployed with these names; empty if the server has them, or did not answer.
     *
     * @param release whose files name the database, if the inventory has another name; else empty
     */
    Optional<Problem> problem(Stack core, String release) {
        if (!absent() && role) return Optional.empty();
        var node = core.node().name();
        var container = core.container(core.needed(Part.DATABASE));
        if (absent()) return Optional.of(Problem.failed(node + ": the running server has no database " + wanted)
                .expected("a database " + wanted
                        + (release.isEmpty() ? " (database.name in the inventory); PostgreSQL creates it"
                        + " only at its first start" : ", as " + release + " was deployed with")).found(found())
                .fix(release.isEmpty() ? fix(container)
                        : "jbang deploy@ktrdr core all --tag " + release + ", which has the name that the inventory"
                        + " has now").with("so far", "nothing was changed"));
        return Optional.of(
                Problem.failed(node + ": the running server has no role with the name in db_username")
                .expected("the role of its first start: PostgreSQL creates no other later").found("no such role")
                .fix("the existing name as db_username in the secrets; on core: docker exec "
                        + container + " printenv POSTGRES_USER")
                .with("so far", "nothing was changed"));
    }
}
