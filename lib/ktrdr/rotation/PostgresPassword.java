package ktrdr.rotation;

import java.time.Duration;
import java.util.Optional;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.fleet.Fleet;
import ktrdr.fleet.FleetNode;
import ktrdr.inventory.Part;
import ktrdr.node.Database;
import ktrdr.release.NodeLocks;
import ktrdr.release.Stack;

/**
 * The password of the database's role in PostgreSQL, which keeps its initial password until it is changed.
 *
 * It gets a {@link ScramVerifier}, over the socket inside its container and by standard input: the password itself is
 * in no statement. A connection over TCP from inside the container proves it; the container's own address is used, as
 * the images trust 127.0.0.1 without a password.
 */
final class PostgresPassword implements PasswordStore {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final String CONNECT = """
            printf '%s\\n' "$password" | docker exec -i "$container" sh -c '
              IFS= read -r PGPASSWORD
              export PGPASSWORD PGCONNECT_TIMEOUT=10
              exec psql -w -X -Atq -h "$(hostname -i | cut -d " " -f 1)" -U "$POSTGRES_USER" -d "$POSTGRES_DB" -c \
            "select 1"'
            """;
    private final FleetNode core;
    private final NodeLocks locks;
    private final Stack stack;
    private Optional<String> former = Optional.empty();

    PostgresPassword(Fleet fleet, NodeLocks locks) {
        this.core = fleet.host(fleet.inventory().core().name());
        this.locks = locks;
        this.stack = Stack.of(fleet.inventory(), core.node());
        stack.needed(Part.DATABASE);
    }

    @Override
    public String name() {
        return "PostgreSQL's role";
    }

    @Override
    public boolean has(String value) {
        return ScramVerifier.accepts(verifier(), value);
    }

    @Override
    public String set(String value, Optional<String> environment) {
        former = Optional.of(verifier());
        alter("'" + ScramVerifier.of(value) + "'");
        var answer = core.run(connect(value));
        if (!answer.ok()) throw Problem.failed(core + ": PostgreSQL does not accept the new password over TCP")
                .expected("a connection with it").found(answer);
        if (environment.filter(text -> !text.equals(value)).isEmpty()) return " has the new one: accepted over TCP";
        return core.run(connect(environment.get())).ok()
                ? " has the new one, but any password is accepted: pg_hba.conf has trust for that address" 
                : " has the new one: accepted over TCP, the previous one refused";
    }

    @Override
    public boolean back() {
        if (former.isEmpty()) return false;
        alter(former.get().equals("null") ? "null" : "'" + former.get().replace("'", "''") + "'");
        former = Optional.empty();
        return true;
    }

    private String connect(String password) {
        return Sh.let("password", password) + stack.database() + CONNECT;
    }

    /** "null" if the role has no password. */
    private String verifier() {
        return new Database(core, stack.database())
                .query("select rolpassword from pg_authid where rolname = current_user").rows().get(0).get(0);
    }

    private void alter(String password) {
        var result = core.fleet().ssh(core.node())
                .run(locks.under(core.node()) + Database.script(stack.database(),
                        "alter role current_user password " + password, false), PATIENCE);
        if (!result.ok()) throw NodeLocks.refused(core.node(), result).orElseGet(() ->
                Problem.failed(core + ": the password of PostgreSQL's role could not be changed")
                        .found(Database.said(result))
                        .fix("jbang logs@ktrdr " + stack.words() + " " + stack.needed(Part.DATABASE)));
    }
}
