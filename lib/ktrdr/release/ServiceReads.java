package ktrdr.release;

import java.util.List;
import java.util.Optional;

/**
 * The configuration that a service reads from files of the toolkit, as its {@code x-ktrdr} in the Compose file says.
 *
 * @param files below the stack's folder, or folders with a slash at their end
 * @param signal that makes it read them again, such as HUP; empty if it is restarted
 */
public record ServiceReads(List<String> files, Optional<String> signal) {}
