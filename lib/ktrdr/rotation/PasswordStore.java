package ktrdr.rotation;

import java.util.Optional;

/**
 * A service that keeps a secret itself, in addition to the environment of containers: see {@link PostgresPassword},
 * {@link GrafanaPassword}.
 */
interface PasswordStore {
    /** Its name in messages. */
    String name();

    /** Makes sure, under the node's lock, that it answers: a killed run may have left it stopped. */
    default void ready() {}

    /** Whether it keeps this value. */
    boolean has(String value);

    /**
     * Sets this value, and proves it. Answers the outcome, as the end of a sentence that begins with its {@link #name}.
     * A failure is a {@link Problem}; {@link #back} has to be called after it too.
     *
     * @param environment the value in the environment of containers
     */
    String set(String value, Optional<String> environment);

    /** Restores the value from before {@link #set}, and answers true; false if there is nothing to restore. */
    boolean back();
}
