package ktrdr.rotation;

import java.util.Optional;

/**
 * A service that keeps a secret of its own, beside the environment of containers: see {@link PostgresPassword},
 * {@link GrafanaPassword}.
 */
interface PasswordStore {
    /** What keeps it, in words. */
    String name();

    /** Makes sure, under the node's lock, that it can be asked: a run that was killed may have left it stopped. */
    default void ready() {}

    /** Whether this value is the one it keeps. */
    boolean has(String value);

    /**
     * Has it keep this value, and proves it; answers what came of it, as the end of a sentence that begins with its
     * {@link #name}. Whatever goes wrong is a {@link Problem}, after which {@link #back} is still to be called.
     *
     * @param environment what containers have in their environment
     */
    String set(String value, Optional<String> environment);

    /**
     * Has it keep what it kept before {@link #set} was called, and answers true; where there is nothing to take back it
     * answers false.
     */
    boolean back();
}
