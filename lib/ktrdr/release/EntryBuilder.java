package ktrdr.release;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import ktrdr.node.Docker;
import ktrdr.release.History.Ending;
import ktrdr.release.History.Entry;
import ktrdr.release.History.SchemaChange;

/** Puts an {@link Entry} of the history together. What is not set is empty, or 0. */
public final class EntryBuilder {
    private final String id;
    private final String tag;
    private final Ending outcome;
    private String of = "";
    private String time = "";
    private String who = "";
    private String from = "";
    private String command = "";
    private String target = "";
    private List<String> services = List.of();
    private Map<String, Docker.Image> images = Map.of();
    private String configuration = "";
    private int scale;
    private double seconds;
    private String error = "";
    private Optional<SchemaChange> migration = Optional.empty();
    private Map<String, Docker.Image> back = Map.of();

    EntryBuilder(String id, String tag, Ending outcome) {
        this.id = id;
        this.tag = tag;
        this.outcome = outcome;
    }

    EntryBuilder(Entry entry) {
        this(entry.id(), entry.tag(), entry.outcome());
        of(entry.of()).time(entry.time()).by(entry.who(), entry.from()).command(entry.command())
                .target(entry.target()).services(entry.services()).images(entry.images())
                .configuration(entry.configuration()).scale(entry.scale()).seconds(entry.seconds())
                .error(entry.error()).migration(entry.migration()).back(entry.back());
    }

    /** The user, and the machine that the command ran on. */
    public EntryBuilder by(String who, String from) {
        this.who = who;
        this.from = from;
        return this;
    }

    /** The run whose state a rollback restored. */
    public EntryBuilder of(String of) {
        this.of = of;
        return this;
    }

    /** Its start, UTC. */
    public EntryBuilder time(String time) {
        this.time = time;
        return this;
    }

    /** As typed. */
    public EntryBuilder command(String command) {
        this.command = command;
        return this;
    }

    /** {@code core} or {@code workers}. */
    public EntryBuilder target(String target) {
        this.target = target;
        return this;
    }

    /** The services that were to be started. */
    public EntryBuilder services(List<String> services) {
        this.services = services;
        return this;
    }

    /** What every container of the stack ran afterwards, by service. */
    public EntryBuilder images(Map<String, Docker.Image> images) {
        this.images = images;
        return this;
    }

    /** The hash of the files, see {@link KeptFiles}. */
    public EntryBuilder configuration(String configuration) {
        this.configuration = configuration;
        return this;
    }

    /** Workers of each type; 0 on core. */
    public EntryBuilder scale(int scale) {
        this.scale = scale;
        return this;
    }

    /** How long it took. */
    public EntryBuilder seconds(double seconds) {
        this.seconds = seconds;
        return this;
    }

    /** Why it failed. */
    public EntryBuilder error(String error) {
        this.error = error;
        return this;
    }

    /** What it did to the schema of the database. */
    public EntryBuilder migration(Optional<SchemaChange> migration) {
        this.migration = migration;
        return this;
    }

    /** After a failure that was rolled back: what runs again, by service. */
    public EntryBuilder back(Map<String, Docker.Image> back) {
        this.back = back;
        return this;
    }

    /** The entry. */
    public Entry build() {
        return new Entry(id, of, time, who, from, command, target, tag, services, images, configuration, scale,
                seconds, error, outcome, migration, back);
    }
}
