package ktrdr.release;

import java.util.Optional;

/**
 * How a service is proven beyond Docker's health check, as its {@code x-ktrdr.proof} in the Compose file says.
 *
 * @param path that is asked over HTTP, such as {@code /health}; empty if it is enough that the port takes a connection
 * @param port at which it is published
 * @param field of the JSON answer, such as {@code status} or {@code data.state}; empty if a good status is enough
 * @param expected value of the field; empty if any value is good
 */
public record ServiceProof(String path, int port, String field, Optional<String> expected) {
    /** Whether it is asked over HTTP. */
    public boolean http() {
        return !path.isEmpty();
    }

    /** What has to hold, after the address: {@code with "status": "ok"}. */
    public String words() {
        if (field.isEmpty()) return "with a status from 200 to 299";
        return "with \"" + field + "\"" + expected.map(value -> ": \"" + value + "\"").orElse(" in it");
    }
}
