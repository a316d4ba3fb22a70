package ktrdr.inventory;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import ktrdr.inventory.Inventory.Sudo;

/**
 * How to log in; what is empty is left to ~/.ssh/config. {@code hostKey} is the one key that the host may show,
 * whatever known_hosts has.
 */
public record SshSettings(Optional<String> user, Optional<Integer> port, Optional<Path> identity,
        Optional<Path> knownHosts, Sudo sudo, Optional<String> jump, Duration connectTimeout,
        Optional<HostKeyPin> hostKey) {

    /**
     * The same for procedures that only look. With an operator: as that user and never as root; else as root only where
     * the user has no access to Docker.
     */
    SshSettings looking(Optional<Operators> operators) {
        var spared = operators.isPresent() ? Sudo.NEVER : sudo == Sudo.ALWAYS ? Sudo.WHERE_NEEDED : sudo;
        return new SshSettings(operators.map(Operators::user).or(this::user), port,
                operators.flatMap(Operators::identity).or(this::identity), knownHosts, spared, jump, connectTimeout,
                hostKey);
    }
}
