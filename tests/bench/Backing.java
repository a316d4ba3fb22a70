package bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import ktrdr.Console;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.inventory.Inventory;
import ktrdr.ssh.Ssh;

/**
 * Backup and restore of a separate database on core: by the procedures, and by the previous runbook's commands (pg_dump
 * | gzip, gunzip | psql).
 */
public final class Backing implements AutoCloseable {
    private static final String DATABASE = "ktrdr_bench";
    private static final String FOLDER = "/ktrdr-bench";
    private static final String ROWS = """
            CREATE TABLE bars (id bigserial PRIMARY KEY, symbol text, at timestamptz, o double precision, h double \
            precision, l double precision, c double precision, v bigint, note text);
            INSERT INTO bars (symbol, at, o, h, l, c, v, note) SELECT 'S' || i % 500, timestamptz '2020-01-01' + i * \
            interval '1 minute', random() * 100, random() * 100, random() * 100,
              random() * 100, (random() * 1e6)::bigint, md5(i::text) FROM generate_series(1, :rows) i;
            CREATE INDEX ON bars (symbol, at);
            """;
    private final Console console;
    private final Path toolkit;
    private final Ssh core;
    private final List<String> login;
    private final String folder;
    private final Path variant;

    /** Creates the database with this many rows next to the one in use, and an inventory that names it. */
    public Backing(Inventory inventory, Ssh core, Console console, Path toolkit, int rows) {
        this.core = core;
        this.console = console;
        this.toolkit = toolkit;
        this.login = ByHand.login(inventory, inventory.core());
        this.folder = inventory.backup().directory() + FOLDER;
        this.variant = inventory.source().resolveSibling("inventory-bench.yaml");
        try (var step = console.step("bench", "database")) {
            Files.writeString(variant,
                    Files.readString(inventory.source()).replaceFirst("(database: \\{name: )[^,}]*", "$1" + DATABASE)
                    .replaceFirst("(backup: \\{directory: )[^,}]*", "$1" + folder));
            if (!Inventory.read(variant).database().name().equals(DATABASE))
                throw Problem.usage("the benchmark finds no `database: {name: …` in " + inventory.source());
            drop();
            core.must("mkdir -p " + Sh.quote(folder));
            psql("postgres", "CREATE DATABASE " + DATABASE + ";");
            psql(DATABASE, "\\set rows " + rows + "\n" + ROWS);
            step.done(rows + " rows");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /** One backup per side and pair. */
    public SideBySide backup(int pairs) {
        var measured = SideBySide.cold(Case.of("backup"), pairs, () -> ktrdr("backup-db", "--keep", "1"),
                () -> ssh("docker exec ktrdr-db sh -c 'pg_dump -U \"$POSTGRES_USER\" " + DATABASE + "' | gzip >"
                        + old()));
        return measured.remark(sizes());
    }

    /** Both restore into a new database. */
    public SideBySide restore(int pairs) {
        ktrdr("backup-db", "--keep", "1");
        ssh("docker exec ktrdr-db sh -c 'pg_dump -U \"$POSTGRES_USER\" " + DATABASE + "' | gzip >" + old());
        return SideBySide.cold(Case.of("restore"), pairs,
                () -> into(() -> ktrdr("restore-db", "latest", "--into", DATABASE + "_into", "--yes")),
                () -> into(() -> ssh("docker exec ktrdr-db sh -c 'createdb -U \"$POSTGRES_USER\" " + DATABASE
                        + "_into' && gunzip -c " + old()
                        + " | docker exec -i ktrdr-db sh -c 'psql -q -U \"$POSTGRES_USER\" " + DATABASE
                        + "_into' >/dev/null")));
    }

    private Duration into(SideBySide.Measurement measurement) {
        try {
            return measurement.take();
        } finally {
            psql("postgres", "DROP DATABASE IF EXISTS " + DATABASE + "_into;");
        }
    }

    private Duration ktrdr(String... words) {
        var all = new ArrayList<>(List.of(toolkit.toString()));
        all.addAll(List.of(words));
        all.addAll(List.of("-i", variant.toString()));
        return SideBySide.time(console, "ktrdr", LocalCommand.command(all));
    }

    private Duration ssh(String script) {
        var all = new ArrayList<>(List.of("ssh"));
        all.addAll(login);
        all.add(script);
        return SideBySide.time(console, "by hand", LocalCommand.command(all));
    }

    private String old() {
        return Sh.quote(folder + "/old.sql.gz");
    }

    /** "ktrdr… 199000000, old.sql.gz 216000000 bytes". */
    private String sizes() {
        return core.must("cd " + Sh.quote(folder)
                + " && stat -c '%n %s' *.dump.* old.sql.gz | grep -v -e sha256 -e verified").strip().replace("\n", ", ")
                + " bytes";
    }

    private void psql(String database, String sql) {
        core.must("docker exec -i ktrdr-db sh -c 'exec psql -q -v ON_ERROR_STOP=1 -U \"$POSTGRES_USER\" -d \"$1\"' sh "
                + Sh.quote(database) + " >/dev/null <<'SQL'\n" + sql + "\nSQL\n");
    }

    private void drop() {
        psql("postgres", "DROP DATABASE IF EXISTS " + DATABASE + ";\nDROP DATABASE IF EXISTS " + DATABASE + "_into;");
        core.must("rm -rf " + Sh.quote(folder));
    }

    /** Removes the database and files of the measurement. */
    @Override
    public void close() {
        drop();
        try {
            Files.deleteIfExists(variant);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
