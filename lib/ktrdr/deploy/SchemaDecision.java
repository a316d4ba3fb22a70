package ktrdr.deploy;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import ktrdr.Facts;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.inventory.Part;
import ktrdr.node.Docker;
import ktrdr.release.History;
import ktrdr.release.Schema;

/** Decides what a deployment of core does to the schema of the database, from the schema and the policy for it. */
final class SchemaDecision {
    private final NodePlan plan;
    private final Migration.Choice choice;
    private final Function<List<String>, Facts> ask;
    private final String node;

    /** @param ask what the node answers to {@link Schema#question} about these images, each a word of the shell */
    SchemaDecision(NodePlan plan, Migration.Choice choice, Function<List<String>, Facts> ask) {
        this.plan = plan;
        this.choice = choice;
        this.ask = ask;
        this.node = plan.stack().node().name();
    }

    /** The image of the backend that is deployed: by its id, if that is known. */
    static String image(NodePlan plan) {
        var backend = plan.image(Part.BACKEND).orElseThrow();
        return backend.id().isEmpty() ? backend.reference() : backend.id();
    }

    /**
     * What to do. A schema that is in the way is a {@link Problem}.
     *
     * @param same whether the backend's container stays
     */
    SchemaStep step(Schema schema, boolean same) {
        var database = schema.database();
        var from = database.words();
        if (choice.policy() == Schema.Policy.keep) return none(schema, kept(schema) + ", as --schema keep says");
        return switch (schema.state()) {
            case NO_ALEMBIC -> none(schema, plan.tag() + " has no alembic: it is left as it is");
            case SAME -> none(schema, from + ", as " + plan.tag() + " has it");
            case BEHIND -> {
                if (schema.severalHeads()) throw severalHeads(schema);
                yield new SchemaStep(SchemaStep.Kind.upgrade, from, schema.head(),
                        from + " -> " + schema.head() + backupWords(), image(plan));
            }
            case UNKNOWN -> same && choice.policy() == Schema.Policy.refuse
                    ? none(schema, from + ", which a newer release made; the backend stays as it is") : unknown(schema);
            case OPEN -> open(schema);
        };
    }

    private Problem severalHeads(Schema schema) {
        return Problem.failed(node + ": the schema of " + plan.tag()
                + " has several heads, and `alembic upgrade head` accepts only one")
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

    private static SchemaStep none(Schema schema, String words) {
        var from = schema.database().answers() ? schema.database().words() : "";
        return new SchemaStep(SchemaStep.Kind.none, from, from, words, "");
    }

    private String backupWords() {
        return choice.backup() ? ", after a backup" : ", without a backup";
    }

    private SchemaStep open(Schema schema) {
        var database = schema.database();
        if (!database.answers() && !plan.has(Part.DATABASE))
            throw Problem.failed(node + ": the database does not answer, so its schema cannot be compared with that of "
                    + plan.tag())
                    .expected("a revision of alembic's, or none yet")
                    .found(database.running() ? database.error() : "the database does not run")
                    .fix("jbang deploy@ktrdr core " + plan.stack().needed(Part.DATABASE)
                            + " first; --schema keep deploys without a look at the schema");
        var to = schema.target().isEmpty() ? "what " + plan.tag() + " has, which is known once its image is there"
                : schema.head();
        return new SchemaStep(SchemaStep.Kind.later, database.answers() ? database.words() : "", schema.head(),
                (database.answers() ? database.words() : "what the database has once it runs") + " -> " + to, "");
    }

    private SchemaStep unknown(Schema schema) {
        var from = schema.database().words();
        if (choice.policy() == Schema.Policy.refuse) throw refused(schema);
        var image = schema.target().orElseThrow();
        if (image.heads().size() != 1)
            throw Problem.failed(node + ": " + plan.tag() + " does not have exactly one head to downgrade to")
                    .found(schema.head()).fix("--schema keep");
        return new SchemaStep(SchemaStep.Kind.downgrade, from, image.heads().get(0),
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
     * The image on the node that knows both the current and the target schema: that of the running backend, or that
     * which made the revision.
     */
    private String newer(Schema schema) {
        var candidates = new ArrayList<String>();
        var backend = plan.stack().needed(Part.BACKEND);
        Docker.service(plan.facts().containers(), backend)
                .ifPresent(container -> candidates.add(container.imageId()));
        made(schema.database().words()).map(entry -> entry.images().get(backend))
                .ifPresent(image -> candidates.add(image.id()));
        var known = ask.apply(candidates.stream().distinct().map(Sh::quote).toList()).under("revisions");
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
}
