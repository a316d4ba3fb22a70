package ktrdr.inventory;

import java.util.Optional;

/**
 * The backups of the database.
 *
 * @param directory where they go, as the storage server sees it
 * @param keep so many of the newest stay; {@code days} and of these none that is older, 0 for any age. The newest
 *     always stays
 * @param beforeDeploy whether a deployment to core begins with one; {@code schedule} the time of day at which core
 *     makes one by itself, as HH:MM; empty where the inventory does not say
 */
public record BackupSettings(String directory, int keep, int days, boolean beforeDeploy,
        Optional<String> schedule) {}
