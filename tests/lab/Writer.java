package lab;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import ktrdr.Sh;

/**
 * A database client on a separate machine in the fleet's network, like a worker on another node. It writes about five
 * numbered rows a second through the published port, each over its own connection, and records the numbers that
 * PostgreSQL acknowledged.
 */
public final class Writer implements AutoCloseable {
    private static final String CONTAINER = "ktrdr-lab-writer";
    private static final String TABLE = "written";
    private final CompletableFuture<String> acknowledged;

    private Writer(CompletableFuture<String> acknowledged) {
        this.acknowledged = acknowledged;
    }

    public static Writer start() {
        World.sql("drop table if exists " + TABLE + "; create table " + TABLE + " (number int primary key)");
        World.docker("rm", "-f", CONTAINER);
        World.docker("run", "-d", "--rm", "--name", CONTAINER, "--label", "ktrdr-lab", "--network", Hosts.NETWORK,
                "--entrypoint", "sleep", "ktrdr-lab/postgresql:17", "3600");
        var script = Sh.let("PGPASSWORD", password()) + """
                export PGPASSWORD PGCONNECT_TIMEOUT=5
                number=0
                while [ ! -e /tmp/enough ]; do
                  number=$((number + 1))
                  if psql -qAt -h 10.42.1.10 -U ktrdr -d ktrdr -v ON_ERROR_STOP=1 -c "insert into %s values \
                ($number)" </dev/null; then echo "$number"; fi
                  sleep 0.2
                done
                """.formatted(TABLE);
        return new Writer(CompletableFuture.supplyAsync(() -> World.in(CONTAINER, script)));
    }

    private static String password() {
        try {
            return new ObjectMapper().readTree(Files.readString(World.secrets())).path("db_password").asText();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The numbers of the rows in the database. */
    public List<Integer> rows() {
        return World.sql("select number from " + TABLE + " order by number").lines().map(Integer::valueOf).toList();
    }

    /** Stops writing and returns all acknowledged numbers. */
    public List<Integer> stop() {
        World.docker("exec", CONTAINER, "touch", "/tmp/enough");
        return acknowledged.join().lines().map(Integer::valueOf).toList();
    }

    @Override
    public void close() {
        World.docker("rm", "-f", CONTAINER);
        World.sql("drop table if exists " + TABLE);
    }
}
