package ktrdr.inventory;

import java.nio.file.Path;
import java.util.Optional;

/**
 * Who logs in to look and to change nothing: a user of the nodes who is in the group docker, and the key, where that is
 * not the one of {@link SshSettings}.
 */
public record Operators(String user, Optional<Path> identity) {}
