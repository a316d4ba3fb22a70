package ktrdr.inventory;

import java.util.Optional;

/**
 * The backups of the database.
 *
 * @param directory where they go, as the storage server sees it
 * @param keep how many of the newest stay; {@code days} how old they may get, 0 for any age. The newest always stays
 * @param beforeDeploy whether a deployment to core begins with one; {@code schedule} the time of day at which core
 *     makes one by itself, as HH:MM; empty if the inventory does not say
 */
public record BackupSettings(String directory, int keep, int days, boolean beforeDeploy,
        Optional<String> schedule) {}
