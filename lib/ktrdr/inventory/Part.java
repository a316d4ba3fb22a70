package ktrdr.inventory;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * A part of a system of which the toolkit knows more than that it runs: {@code x-ktrdr.part} in a Compose file says
 * which service it is, under whatever name. What a stack does not have is not asked for.
 */
public enum Part {
    /** KTRDR's API, with which workers register. */
    BACKEND("backend"),
    /** PostgreSQL: backed up, restored, never replaced with other data. */
    DATABASE("db"),
    /** Scrapes what the fleet runs. */
    PROMETHEUS("prometheus"),
    /** Shows the dashboards. */
    GRAFANA("grafana"),
    /** Keeps the traces. */
    JAEGER("jaeger"),
    /** Sends alerts to their receivers. */
    ALERTMANAGER("alertmanager");

    private final String check;

    Part(String check) {
        this.check = check;
    }

    /** What its own checks are called, in ids such as {@code db.query}. */
    public String check() {
        return check;
    }

    /** As a Compose file says it: {@code database}. */
    public String word() {
        return name().toLowerCase();
    }

    /** The part of a word; empty if there is none of it. */
    public static Optional<Part> of(String word) {
        return Arrays.stream(values()).filter(part -> part.word().equals(word)).findFirst();
    }

    /** All words. */
    public static List<String> words() {
        return Arrays.stream(values()).map(Part::word).toList();
    }
}
