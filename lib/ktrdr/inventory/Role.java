package ktrdr.inventory;

import java.util.stream.Stream;

/**
 * What a node is for: KTRDR's core, its workers, or a stack of one's own, which has its Compose file in the folder of
 * that name among the templates.
 *
 * @param name as the inventory and commands say it
 */
public record Role(String name) {
    public static final Role CORE = new Role("core");
    public static final Role WORKERS = new Role("workers");

    /** The role of a name. */
    static Role of(String name) {
        return Stream.of(CORE, WORKERS).filter(role -> role.name.equals(name)).findFirst()
                .orElseGet(() -> new Role(name));
    }

    /** Whether it is neither core nor workers. */
    public boolean own() {
        return this != CORE && this != WORKERS;
    }
}
