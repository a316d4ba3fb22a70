package ktrdr.release;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import ktrdr.Sh;

/**
 * How a service is proven beyond Docker's health check, as its {@code x-ktrdr.proof} in the Compose file says.
 *
 * @param path that is asked over HTTP, such as {@code /health}; empty if it is enough that the port takes a connection
 * @param port at which it is published; 0 if a command is run instead
 * @param command that is run inside its container; empty for none
 * @param field of the JSON answer, such as {@code status} or {@code data.state}; empty if a good status is enough
 * @param expected value of the field; empty if any value is good
 */
public record ServiceProof(String path, int port, List<String> command, String field, Optional<String> expected) {
    private static final int SECONDS = 10;

    /** Over HTTP, and what a field of the answer has to be. */
    static ServiceProof http(String path, int port, String field, Optional<String> expected) {
        return new ServiceProof(path, port, List.of(), field, expected);
    }

    /** By a connection. */
    static ServiceProof tcp(int port) {
        return new ServiceProof("", port, List.of(), "", Optional.empty());
    }

    /** By a command that ends with exit code 0, and prints this where something is expected. */
    static ServiceProof command(List<String> command, Optional<String> expected) {
        return new ServiceProof("", 0, command, "", expected);
    }

    /** Whether it is asked over HTTP. */
    public boolean http() {
        return !path.isEmpty();
    }

    /** The command as shell words that run it in this container, and end it after 10 s. */
    public String inside(String container) {
        return "timeout " + SECONDS + " docker exec "
                + Sh.words(Stream.concat(Stream.of(container), command.stream()).toList());
    }

    /** Whether the node has to be asked. */
    public boolean onNode() {
        return !command.isEmpty();
    }

    /** What has to hold, after the address: {@code with "status": "ok"}. */
    public String words() {
        if (field.isEmpty()) return "with a status from 200 to 299";
        return "with \"" + field + "\"" + expected.map(value -> ": \"" + value + "\"").orElse(" in it");
    }
}
