package ktrdr.deploy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
import ktrdr.inventory.Secrets;
import ktrdr.node.Docker;
import ktrdr.node.NodeFiles;
import ktrdr.release.History;
import ktrdr.release.NodeLocks;
import ktrdr.release.Revision;
import ktrdr.release.Schema;

/**
 * The schema of the database in the deployment of core: compared with the release before anything is stopped, brought
 * where the release wants it before the backend is replaced, by the alembic of an image, with a backup before.
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
     * How a run goes about the schema.
     *
     * @param policy for one that the release does not know
     * @param backup whether a migration begins with one
     */
    record Choice(Schema.Policy policy, boolean backup) {}

    private enum Kind { none, later, upgrade, downgrade }

    /**
     * What is to be done.
     *
     * @param words in which it is told
     * @param image that does it
     */
    record Step(Kind kind, String from, String to, String words, String image) {
        boolean moves() {
            return kind == Kind.upgrade || kind == Kind.downgrade;
        }

        Map<String, Object> document() {
            var document = new LinkedHashMap<String, Object>();
            document.put("action", kind.name());
            document.put("from", from);
            document.put("to", to);
            return document;
        }
    }

    private final NodeRollout.RolloutContext tools;
    private final NodePlan plan;
    private final DeployJournal journal;
    private final String node;
    private Optional<Step> step = Optional.empty();
    /** Whether it went up (true) or down. */
    private Optional<Boolean> moved = Optional.empty();
    private String backup = "";

    Migration(NodeRollout.RolloutContext tools, NodePlan plan, DeployJournal journal) {
        this.tools = tools;
        this.plan = plan;
        this.journal = journal;
        this.node = plan.stack().node().name();
    }

    /**
     * Whether the deployment has to do with the schema: where the backend is deployed, by a run that may change its
     * release.
     */
    boolean concerned() {
        return tools.options().schema().isPresent() && plan.stack().core() && plan.services().contains("backend");
    }

    private Choice choice() {
        return tools.options().schema().orElseThrow();
    }

    /** Whether containers are made that are given the names of the database and of its role. */
    private boolean names() {
        return plan.stack().core() && !plan.restart()
                && (plan.services().contains("db") || plan.services().contains("backend"));
    }

    private String database() {
        return plan.database().orElse(tools.fleet().inventory().database().name());
    }

    /**
     * Shell lines for the look at the node, where {@code with_secrets} is defined; an image that is to be pulled is
     * asked once it is there.
     */
    String question() {
        if (!names()) return "";
        return Schema.question(database(), true, concerned() && !pulled() ? List.of(Sh.quote(image())) : List.of(),
                tools.locks().held());
    }

    private boolean pulled() {
        var image = backend();
        return plan.pulls().contains(image.reference()) || plan.pulls().contains(image.digest());
    }

    private Docker.Image backend() {
        return plan.revision().images().get("backend");
    }

    private String image() {
        return backend().id().isEmpty() ? backend().reference() : backend().id();
    }

    /**
     * Decides what is to be done, from the answer to {@link #question}. A schema that stands in the way is a
     * {@link Problem}, and so are names that the server does not have.
     */
    Optional<Step> look(Facts facts, boolean same) {
        if (!names()) return step;
        var schema = ours(Schema.parse(facts));
        schema.database().names().prove(tools.fleet().inventory(), plan.tag());
        if (concerned()) step = Optional.of(decide(schema, same));
        return step;
    }

    /**
     * A database that answers and is not among the containers that are ours is one that is about to be taken over: of
     * ours nothing is known yet.
     */
    private Schema ours(Schema schema) {
        boolean there = Docker.service(plan.facts().containers(), "db").isPresent() || !plan.services().contains("db");
        return there ? schema : new Schema(schema.target(), new Schema.Database(false, List.of(), ""));
    }

    /** Decides what could not be decided before the image was there. */
    void imageIsThere() {
        if (step.filter(step -> step.kind() == Kind.later).isPresent() && pulled())
            step = Optional.of(decide(ours(ask(List.of(Sh.quote(image())), "")), false));
    }

    private Schema ask(List<String> images, String before) {
        return Schema.parse(facts(images, before));
    }

    private Facts facts(List<String> images, String before) {
        var core = plan.stack().node();
        return Facts.parse(tools.fleet().ssh(core)
                .must((tools.locks().held() ? tools.locks().under(core) : "") + Facts.SAY
                        + Sh.let("directory", core.directory()) + before
                + Schema.question(database(), images, tools.locks().held()) + "say end yes\n"));
    }

    private Step decide(Schema schema, boolean same) {
        var database = schema.database();
        var from = database.words();
        if (choice().policy() == Schema.Policy.keep) return none(schema, kept(schema) + ", as --schema keep says");
        return switch (schema.state()) {
            case NO_ALEMBIC -> none(schema, plan.tag() + " has no alembic: it is left as it is");
            case SAME -> none(schema, from + ", as " + plan.tag() + " has it");
            case BEHIND -> schema.severalHeads() ? severalHeads(schema) : new Step(Kind.upgrade, from, schema.head(),
                    from + " -> " + schema.head() + backupWords(), image());
            case UNKNOWN -> same && choice().policy() == Schema.Policy.refuse
                    ? none(schema, from + ", which a newer release made; the backend stays as it is") : unknown(schema);
            case OPEN -> open(schema);
        };
    }

    private Step severalHeads(Schema schema) {
        throw Problem.failed(node + ": the schema of " + plan.tag()
                + " has several heads, and `alembic upgrade head` takes one alone")
                .expected("one head, to which the database is brought")
                .found(schema.head() + "; the database has " + schema.database().words())
                .fix("deploy a release whose migrations are merged (in KTRDR's repository: alembic merge heads); "
                        + "--schema keep deploys this one without a migration")
                .with("so far", "nothing was changed");
    }

    private String kept(Schema schema) {
        var from = schema.database().words();
        return switch (schema.state()) {
            case UNKNOWN -> from + " stays, which " + plan.tag() + " does not know";
            case BEHIND -> from + " stays, though " + plan.tag() + " has " + schema.head();
            case SAME, NO_ALEMBIC, OPEN -> "left as it is";
        };
    }

    private static Step none(Schema schema, String words) {
        var from = schema.database().answers() ? schema.database().words() : "";
        return new Step(Kind.none, from, from, words, "");
    }

    private String backupWords() {
        return choice().backup() ? ", after a backup" : ", without a backup";
    }

    private Step open(Schema schema) {
        var database = schema.database();
        if (!database.answers() && !plan.services().contains("db"))
            throw Problem.failed(node + ": the database does not answer, so its schema cannot be compared with that of "
                    + plan.tag())
                    .expected("a revision of alembic's, or none yet")
                    .found(database.running() ? database.error() : "no database that runs")
                    .fix("jbang deploy@ktrdr core db first; --schema keep deploys without a look at the schema");
        var to = schema.target().isEmpty() ? "what " + plan.tag() + " has, which is known once its image is there"
                : schema.head();
        return new Step(Kind.later, database.answers() ? database.words() : "", schema.head(),
                (database.answers() ? database.words() : "what the database has once it runs") + " -> " + to, "");
    }

    private Step unknown(Schema schema) {
        var from = schema.database().words();
        if (choice().policy() == Schema.Policy.refuse) throw refused(schema);
        var image = schema.target().orElseThrow();
        if (image.heads().size() != 1) throw Problem.failed(node + ": " + plan.tag() + " has no one head to go down to")
                .found(schema.head()).fix("--schema keep");
        return new Step(Kind.downgrade, from, image.heads().get(0),
                from + " -> " + schema.head() + " by the newer release, after a backup", newer(schema));
    }

    private Problem refused(Schema schema) {
        var made = made(schema.database().words());
        var before = made.map(History.Entry::migration).flatMap(schemaChange -> schemaChange)
                .map(History.SchemaChange::backup).filter(name -> !name.isEmpty());
        return Problem.failed(node + ": " + plan.tag() + " does not know the schema of the database")
                .expected("a revision that it knows, at most " + schema.head())
                .found(schema.database().words()
                        + made.map(entry -> ", made by the deployment of " + entry.tag() + " at " + entry.time())
                                .orElse(", which a newer release made"))
                .fix("--schema keep starts it on this schema, which older code mostly reads and writes; --schema "
                        + "downgrade has the newer release take the schema back to "
                        + schema.head() + ", after a backup; "
                        + before.map(name -> "or go back to the data of before: jbang restore-db@ktrdr " + name
                                + ", then this again")
                                .orElse("no backup of before is on record"))
                .with("so far", "nothing was changed");
    }

    /** The deployment that made a revision, where this node's history has it. */
    private Optional<History.Entry> made(String revision) {
        var all = plan.facts().history().all();
        for (int i = all.size() - 1; i >= 0; i--) if (all.get(i).migration()
                .filter(schemaChange -> schemaChange.to().equals(revision)).isPresent()) return Optional.of(all.get(i));
        return Optional.empty();
    }

    /**
     * The image, of those on the node, that knows where the database is and where it is to go: that of the backend
     * which runs, or that which made the revision.
     */
    private String newer(Schema schema) {
        var candidates = new ArrayList<String>();
        Docker.service(plan.facts().containers(), "backend")
                .ifPresent(container -> candidates.add(container.imageId()));
        made(schema.database().words()).map(entry -> entry.images().get("backend"))
                .ifPresent(image -> candidates.add(image.id()));
        var known = facts(candidates.stream().distinct().map(Sh::quote).toList(), "").under("revisions");
        return candidates.stream().filter(known::containsKey).filter(id -> {
            var revisions = Schema.revisions(known.get(id));
            return revisions.known().containsAll(schema.database().revisions())
                    && revisions.known().containsAll(schema.target().orElseThrow().heads());
        }).findFirst().orElseThrow(() ->
                Problem.failed(node + ": no release that is on the node can take the schema back to " + schema.head())
                .expected("an image whose alembic knows " + schema.database().words() + " and " + schema.head())
                .found("none of " + candidates.size() + " images")
                .fix("--schema keep, or restore-db of a backup from before; nothing was changed"));
    }

    /** Whether nothing is to be done. */
    boolean settled() {
        return step.filter(step -> step.kind() != Kind.none).isEmpty();
    }

    /** Whether the database has to run before it is known what is to be done. */
    boolean waits() {
        return step.filter(step -> step.kind() == Kind.later).isPresent();
    }

    /** Tells that nothing is done, and why. */
    void tell() {
        step.filter(step -> step.kind() == Kind.none)
                .ifPresent(step -> tools.console().note(node, "schema", step.words()));
    }

    /** Decides, once the database was started: it is waited for. */
    void databaseIsThere() {
        try (var progress = tools.console().step(node, "schema")) {
            progress.now("waiting for the database");
            var schema = ask(List.of(Sh.quote(image())), healthy(tools.options().timeout()));
            if (!schema.database().answers()) throw Problem.failed(node + ": the database was not healthy within "
                    + Units.duration(tools.options().timeout()))
                    .expected("a healthy " + Docker.DATABASE + ", so that its schema can be compared with that of "
                            + plan.tag())
                    .found(schema.database().running() ? schema.database().error() : "it does not run");
            step = Optional.of(decide(schema, false));
        }
    }

    /** A server that is still being made answers on its own socket already, and not where alembic asks. */
    private static String healthy(Duration patience) {
        return Docker.database() + "last=$(($(date +%s) + " + Math.max(1, patience.toSeconds()) + "))\n" + """
                until [ "$(docker inspect --format '{{if \
                .State.Health}}{{.State.Health.Status}}{{else}}healthy{{end}}' "$container" 2>/dev/null)" = healthy \
                ]; do
                  [ "$(date +%s)" -lt "$last" ] || break
                  sleep 0.5
                done
                """;
    }

    /**
     * Does what is to be done, and answers whether that was something. A failure is a {@link Problem}; the database is
     * where it was then, as far as alembic's transaction goes.
     *
     * @param begin shell lines for the moment before the first change
     */
    boolean run(Secrets secrets, String begin) {
        tell();
        if (step.filter(Step::moves).isEmpty()) return false;
        var eachStep = step.get();
        if (choice().backup() || eachStep.kind() == Kind.downgrade) {
            if (tools.backup().get() == null) tools.backup()
                    .set(new BackupFolder(tools.fleet().inventory(), tools.fleet().ssh(plan.stack().node()),
                            tools.console()).beforeDeployment()
                    .map(BackupRecord::file).orElse(""));
            backup = tools.backup().get();
        }
        alembic(eachStep.kind() == Kind.upgrade ? List.of("upgrade", "head") : List.of("downgrade", eachStep.to()),
                eachStep.image(), secrets, eachStep.words(), begin);
        moved = Optional.of(eachStep.kind() == Kind.upgrade);
        return true;
    }

    /**
     * Where what ran before is about to run again: a schema that was taken down for the other is brought up again; one
     * that went up stays.
     */
    void back(Revision to, Secrets secrets) {
        if (moved.isEmpty()) return;
        if (moved.get()) tools.console().note(node, "schema", "stays as " + plan.tag() + " made it, which " + to.tag()
                + " reads and writes as far as it is compatible"
                + (backup.isEmpty() ? "" : "; the data of before: jbang restore-db@ktrdr " + backup));
        else alembic(List.of("upgrade", "head"), to.images().get("backend").id(), secrets,
                "up again, as " + to.tag() + " has it", "");
        moved = Optional.empty();
    }

    private void alembic(List<String> words, String image, Secrets secrets, String what, String begin) {
        var core = plan.stack().node();
        var from = step.orElseThrow().from();
        try (var progress = tools.console().step(node, "schema")) {
            progress.now(what);
            tools.changed().set(true);
            var result = tools.fleet().ssh(core).run(tools.locks().under(core) + script(words, image, secrets, begin),
                    PATIENCE);
            if (!result.ok()) throw NodeLocks.refused(core, result)
                    .orElseGet(() -> Problem.failed(node + ": the migration could not be begun").found(result)
                            .fix("nothing was changed"));
            var facts = Facts.parse(result.out());
            var said = facts.get("migrated").split(" ", 2);
            var text = NodeFiles.decode(said.length < 2 ? "" : said[1]);
            var after = Schema.parse(facts).database();
            text.lines().forEach(line -> tools.console().detail(node, "schema", line));
            if (after.answers() && !after.words().equals(from))
                journal.migrated(new History.SchemaChange(from, after.words(), backup));
            if (!said[0].equals("0")) throw failed(words, image, said[0], text, from, after);
            progress.done(from.equals(after.words()) ? what : from + " -> " + after.words());
        }
    }

    private String script(List<String> words, String image, Secrets secrets, String begin) {
        var name = database();
        return secrets.shell(Set.of(Secrets.Field.db_username, Secrets.Field.db_password)) + Facts.SAY
                + "cd -P \"$directory\"\n" + begin
                + healthy(Duration.ofSeconds(60)) + migrate(words, image, name)
                + Schema.question(name, List.of(), false) + "say end yes\n";
    }

    /** The lines that have the alembic of an image do this with the database of this name. */
    static String migrate(List<String> words, String image, String name) {
        return Sh.let("image", image) + Sh.let("name", name) + Sh.let("ask", ASK) + Sh.let("sessions", SESSIONS)
                + BuiltIn.lines("deploy/migrate.sh").replace("# AT_END\n", Sh.atEnd("[ -z \"$cut\" ] || undo"))
                        .replace("ALEMBIC_WORDS", String.join(" ", words))
                        .replace("MOST_LINES", String.valueOf(LastWords.LINES));
    }

    private Problem failed(List<String> words, String image, String exit, String said, String from,
            Schema.Database after) {
                var where = !after.answers() ? "not known: the database does not answer" : after.words().equals(from)
                        ? "at " + from + " as before" : "at " + after.words() + " now; it was at " + from;
                var problem = Problem.failed(node + ": the schema of the database could not be migrated")
                        .expected("`alembic " + String.join(" ", words) + "` of " + plan.tag() + " ends with 0")
                        .found(exit.equals(KILLED)
                                ? "its container was killed, by a person or for want of memory (exit code "
                                + KILLED + ")" : "exit code " + exit + ": " + LastWords.of(said))
                        .with("the schema", where);
                return backup.isEmpty() ? problem
                        : problem.with("backup", backup + ", made before it: jbang restore-db@ktrdr " + backup);
            }
}
