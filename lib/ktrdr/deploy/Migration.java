package ktrdr.deploy;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import ktrdr.BuiltIn;
import ktrdr.Facts;
import ktrdr.LastWords;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.Units;
import ktrdr.backup.BackupFolder;
import ktrdr.backup.BackupRecord;
import ktrdr.inventory.Part;
import ktrdr.inventory.Secrets;
import ktrdr.node.Docker;
import ktrdr.node.NodeFiles;
import ktrdr.release.History;
import ktrdr.release.NodeLocks;
import ktrdr.release.Revision;
import ktrdr.release.Schema;

/**
 * The schema of the database in the deployment of core: compared with the release before anything is stopped, and
 * migrated before the backend is replaced, by the alembic of an image, after a backup.
 */
final class Migration {
    private static final Duration PATIENCE = Duration.ofHours(1);
    private static final String KILLED = "137";
    private static final String ASK = "psql -w -X -Atq -U \"$POSTGRES_USER\" -d \"$1\" -c \"$2\"";
    /** Those of a migration: it runs in the database's network, and all others come from elsewhere or by the socket. */
    private static final String SESSIONS =
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and "
                    + "client_addr <<= '127.0.0.0/8'::inet";

    /**
     * What a run may do to the schema.
     *
     * @param policy for a schema that the release does not know
     * @param backup whether a migration begins with a backup
     */
    record Choice(Schema.Policy policy, boolean backup) {}

    private final RolloutContext context;
    private final NodePlan plan;
    private final DeployJournal journal;
    private final String node;
    private Optional<SchemaStep> step = Optional.empty();
    /** Whether it was an upgrade (true) or a downgrade. */
    private Optional<Boolean> moved = Optional.empty();
    private String backup = "";

    Migration(RolloutContext context, NodePlan plan, DeployJournal journal) {
        this.context = context;
        this.plan = plan;
        this.journal = journal;
        this.node = plan.stack().node().name();
    }

    /** Whether the deployment is concerned with the schema: it deploys the backend, and may change the release. */
    boolean concerned() {
        return context.options().schema().isPresent() && plan.has(Part.BACKEND) && database().isPresent();
    }

    private Choice choice() {
        return context.options().schema().orElseThrow();
    }

    /** Whether containers are made that are given the names of the database and of its role. */
    private boolean names() {
        return !plan.restart() && database().isPresent() && (plan.has(Part.DATABASE) || plan.has(Part.BACKEND));
    }

    private Optional<String> database() {
        return plan.stack().service(Part.DATABASE);
    }

    private String name() {
        return plan.database().orElse(context.fleet().inventory().database().name());
    }

    /**
     * Shell lines for the look at the node, where {@code with_secrets} is defined; an image that is to be pulled is
     * asked once it is there.
     */
    String question() {
        if (!names()) return "";
        return Schema.question(plan.stack(), name(), true, concerned() && !pulled() ? image() : List.of(),
                context.locks().held());
    }

    private boolean pulled() {
        var image = plan.image(Part.BACKEND).orElseThrow();
        return plan.pulls().contains(image.reference()) || plan.pulls().contains(image.digest());
    }

    /**
     * Decides what to do, from the answer to {@link #question}. A schema in the way is a {@link Problem}, and so are
     * names that the server does not have.
     */
    Optional<SchemaStep> look(Facts facts, boolean same) {
        if (!names()) return step;
        var schema = ours(Schema.parse(facts));
        schema.database().names().prove(context.fleet().inventory(), plan.tag());
        if (concerned()) step = Optional.of(decide(schema, same));
        return step;
    }

    /**
     * A database that answers and is not the stack's belongs to an installation about to be taken over: then nothing is
     * known of the stack's schema.
     */
    private Schema ours(Schema schema) {
        boolean there = !plan.has(Part.DATABASE)
                || database().flatMap(service -> Docker.service(plan.facts().containers(), service)).isPresent();
        return there ? schema : new Schema(schema.target(), new Schema.Database(false, List.of(), ""));
    }

    /** Decides what could not be decided before the image was there. */
    void imageIsThere() {
        if (step.filter(step -> step.kind() == SchemaStep.Kind.later).isPresent() && pulled())
            step = Optional.of(decide(ours(ask(image(), "")), false));
    }

    private Schema ask(List<String> images, String before) {
        return Schema.parse(facts(images, before));
    }

    private Facts facts(List<String> images, String before) {
        var core = plan.stack().node();
        return Facts.parse(context.fleet().ssh(core)
                .must((context.locks().held() ? context.locks().under(core) : "") + Facts.SAY
                        + Sh.let("directory", core.directory()) + before
                + Schema.question(plan.stack(), name(), images, context.locks().held()) + "say end yes\n"));
    }

    /** The backend's image as a word of the shell. */
    private List<String> image() {
        return List.of(Sh.quote(SchemaDecision.image(plan)));
    }

    private SchemaStep decide(Schema schema, boolean same) {
        return new SchemaDecision(plan, choice(), images -> facts(images, "")).step(schema, same);
    }

    /** Whether nothing is to be done. */
    boolean settled() {
        return step.filter(step -> step.kind() != SchemaStep.Kind.none).isEmpty();
    }

    /** Whether the database has to run before it is known what is to be done. */
    boolean waits() {
        return step.filter(step -> step.kind() == SchemaStep.Kind.later).isPresent();
    }

    /** Reports that nothing is done, and why. */
    void tell() {
        step.filter(step -> step.kind() == SchemaStep.Kind.none)
                .ifPresent(step -> context.console().note(node, "schema", step.words()));
    }

    /** Decides, after the database was started: waits for it. */
    void databaseIsThere() {
        try (var progress = context.console().step(node, "schema")) {
            progress.now("waiting for the database");
            var schema = ask(image(), healthy(context.options().timeout()));
            if (!schema.database().answers()) throw Problem.failed(node + ": the database was not healthy within "
                    + Units.duration(context.options().timeout()))
                    .expected("a healthy " + database().map(plan.stack()::container).orElse("")
                            + ", so that its schema can be compared with that of " + plan.tag())
                    .found(schema.database().running() ? schema.database().error() : "it does not run");
            step = Optional.of(decide(schema, false));
        }
    }

    /** A server that is being initialised answers on its own socket already, but not where alembic asks. */
    private String healthy(Duration patience) {
        return plan.stack().database() + "last=$(($(date +%s) + " + Math.max(1, patience.toSeconds()) + "))\n" + """
                until [ "$(docker inspect --format '{{if \
                .State.Health}}{{.State.Health.Status}}{{else}}healthy{{end}}' "$container" 2>/dev/null)" = healthy \
                ]; do
                  [ "$(date +%s)" -lt "$last" ] || break
                  sleep 0.5
                done
                """;
    }

    /**
     * Migrates, and answers whether there was something to migrate. A failure is a {@link Problem}; then the schema is
     * as before, as far as alembic's transaction goes.
     *
     * @param begin shell lines for the moment before the first change
     */
    boolean run(Secrets secrets, String begin) {
        tell();
        if (step.filter(SchemaStep::moves).isEmpty()) return false;
        var change = step.get();
        boolean up = change.kind() == SchemaStep.Kind.upgrade;
        if (choice().backup() || !up) backup = backup();
        alembic(up ? List.of("upgrade", "head") : List.of("downgrade", change.to()), change.image(), secrets,
                change.words(), begin);
        moved = Optional.of(up);
        return true;
    }

    /** The backup of this rollout, made now if there is none yet. */
    private String backup() {
        return context.progress().backup(() -> new BackupFolder(context.fleet().inventory(),
                context.fleet().ssh(plan.stack().node()), context.console()).beforeDeployment()
                .map(BackupRecord::file).orElse(""));
    }

    /** Before the previous release runs again: a downgraded schema is upgraded again, an upgraded one stays. */
    void back(Revision to, Secrets secrets) {
        if (moved.isEmpty()) return;
        if (moved.get()) context.console().note(node, "schema", "stays as " + plan.tag() + " made it, which " + to.tag()
                + " reads and writes as far as it is compatible"
                + (backup.isEmpty() ? "" : "; the data of before: jbang restore-db@ktrdr " + backup));
        else alembic(List.of("upgrade", "head"), to.images().get(plan.stack().needed(Part.BACKEND)).id(), secrets,
                "up again, as " + to.tag() + " has it", "");
        moved = Optional.empty();
    }

    private void alembic(List<String> words, String image, Secrets secrets, String what, String begin) {
        var core = plan.stack().node();
        var from = step.orElseThrow().from();
        try (var progress = context.console().step(node, "schema")) {
            progress.now(what);
            context.progress().change();
            var result = context.fleet().ssh(core)
                    .run(context.locks().under(core) + script(words, image, secrets, begin), PATIENCE);
            if (!result.ok()) throw NodeLocks.refused(core, result)
                    .orElseGet(() -> Problem.failed(node + ": the migration could not be started").found(result)
                            .fix("nothing was changed"));
            var facts = Facts.parse(result.out());
            var said = facts.get("migrated").split(" ", 2);
            var text = NodeFiles.decode(said.length < 2 ? "" : said[1]);
            var after = Schema.parse(facts).database();
            text.lines().forEach(line -> context.console().detail(node, "schema", line));
            if (after.answers() && !after.words().equals(from))
                journal.migrated(new History.SchemaChange(from, after.words(), backup));
            if (!said[0].equals("0")) throw failed(words, said[0], text, from, after);
            progress.done(from.equals(after.words()) ? what : from + " -> " + after.words());
        }
    }

    private String script(List<String> words, String image, Secrets secrets, String begin) {
        var name = name();
        return secrets.shell(Set.of(Secrets.Field.DB_USERNAME, Secrets.Field.DB_PASSWORD)) + Facts.SAY
                + "cd -P \"$directory\"\n" + begin
                + healthy(Duration.ofSeconds(60)) + migrate(words, image, name)
                + Schema.question(plan.stack(), name, List.of(), false) + "say end yes\n";
    }

    /** The lines that have the alembic of an image do this with the database of this name. */
    static String migrate(List<String> words, String image, String name) {
        return Sh.let("image", image) + Sh.let("name", name) + Sh.let("ask", ASK) + Sh.let("sessions", SESSIONS)
                + BuiltIn.lines("deploy/migrate.sh").replace("# AT_END\n", Sh.atEnd("[ -z \"$cut\" ] || undo"))
                        .replace("ALEMBIC_WORDS", String.join(" ", words))
                        .replace("MOST_LINES", String.valueOf(LastWords.LINES));
    }

    private Problem failed(List<String> words, String exit, String said, String from, Schema.Database after) {
        var where = !after.answers() ? "not known: the database does not answer" : after.words().equals(from)
                ? "at " + from + " as before" : "at " + after.words() + " now; it was at " + from;
        var problem = Problem.failed(node + ": the schema of the database could not be migrated")
                .expected("`alembic " + String.join(" ", words) + "` of " + plan.tag() + " ends with 0")
                .found(exit.equals(KILLED) ? "its container was killed, by hand or for lack of memory (exit code "
                        + KILLED + ")" : "exit code " + exit + ": " + LastWords.of(said))
                .with("the schema", where);
        return backup.isEmpty() ? problem
                : problem.with("backup", backup + ", made before it: jbang restore-db@ktrdr " + backup);
    }
}
