package lab;

import java.util.Base64;

/**
 * Manual installations of KTRDR: with their own Compose files as in the project's homelab, and the same container names
 * and ports. As there, the database's volume is mounted where the TimescaleDB image has no data, so the data lies in an
 * anonymous volume.
 */
public final class Handmade {
    private static final String REGISTRY = "registry.ktrdr.home.mynerd.place:5000";
    private static final String CORE = """
            services:
              db:
                image: REGISTRY/postgresql:17
                container_name: ktrdr-db
                restart: unless-stopped
                volumes: ["postgres_data:/var/lib/postgresql/data"]
                environment: {POSTGRES_DB: ktrdr, POSTGRES_USER: "${KTRDR_DB_USER}", POSTGRES_PASSWORD: \
            "${KTRDR_DB_PASSWORD}"PGDATA}
                ports: ["5432:5432"]
                healthcheck: {test: [CMD-SHELL, "pg_isready -U $$POSTGRES_USER -h 127.0.0.1"], interval: 1s, retries: \
            60}
                networks: [ktrdr-core]
              backend:
                image: REGISTRY/ktrdr-backend:sha-1000001
                container_name: ktrdr-backend
                restart: unless-stopped
                group_add: ["1500"]
                ports: ["8000:8000"]
                volumes: ["/srv/ktrdr-shared:/mnt/ktrdr-shared"]
                environment: {KTRDR_DB_HOST: db, KTRDR_DB_PORT: 5432, KTRDR_DB_NAME: ktrdr, KTRDR_DB_USER: \
            "${KTRDR_DB_USER}", KTRDR_DB_PASSWORD: "${KTRDR_DB_PASSWORD}",
                  KTRDR_AUTH_JWT_SECRET: "${KTRDR_AUTH_JWT_SECRET}", KTRDR_API_ENVIRONMENT: staging, \
            KTRDR_OTEL_OTLP_ENDPOINT: "http://jaeger:4317",
                  KTRDR_CHECKPOINT_DIR: /mnt/ktrdr-shared/checkpoints}
                depends_on: {db: {condition: service_healthy}}
                healthcheck: {test: [CMD-SHELL, "curl -fsS -o /dev/null http://localhost:8000/api/v1/health"], \
            interval: 1s, retries: 60}
                command: [python, -m, uvicorn, "ktrdr.api.main:app", --host, 0.0.0.0, --port, "8000"]
                networks: [ktrdr-core]
              prometheus:
                image: REGISTRY/prometheus:2
                container_name: ktrdr-prometheus
                restart: always
                ports: ["9090:9090"]
                volumes: ["./monitoring/prometheus.yml:/etc/prometheus/prometheus.yml:ro", \
            "prometheus_data:/prometheus"]
                command: [--config.file=/etc/prometheus/prometheus.yml, --storage.tsdb.path=/prometheus]
                networks: [ktrdr-core]
              grafana:
                image: REGISTRY/grafana:lab
                container_name: ktrdr-grafana
                restart: unless-stopped
                ports: ["3000:3000"]
                environment: {GF_SECURITY_ADMIN_PASSWORD: "${GF_ADMIN_PASSWORD}"}
                volumes: ["grafana_data:/var/lib/grafana"]
                healthcheck: {disable: true}
                networks: [ktrdr-core]
              jaeger:
                image: REGISTRY/jaeger:lab
                container_name: ktrdr-jaeger
                restart: unless-stopped
                ports: ["16686:16686", "4317:4317"]
                healthcheck: {disable: true}
                networks: [ktrdr-core]
              mcp:
                image: REGISTRY/ktrdr-backend:sha-1000001
                container_name: ktrdr-mcp
                restart: unless-stopped
                environment: {KTRDR_API_CLIENT_BASE_URL: "http://backend:8000/api/v1"}
                # that of its image can never pass
                healthcheck: {test: [CMD, "false"], interval: 2s, retries: 1}
                command: [sleep, infinity]
                networks: [ktrdr-core]
            networks: {ktrdr-core: {driver: bridge}}
            volumes: {postgres_data: {}, prometheus_data: {}, grafana_data: {}}
            """;
    private static final String WORKER = """
              KIND-worker-1:
                image: REGISTRY/ktrdr-backend:sha-1000001
                container_name: KIND-worker-1
                restart: unless-stopped
                stop_grace_period: 30s
                # that of the image asks for a port that a worker does not have, so that it can never pass
                healthcheck: {test: [CMD, "false"], interval: 2s, retries: 1}
                group_add: ["1500"]
                ports: ["PORT:PORT"]
                volumes: ["/mnt/ktrdr-shared:/mnt/ktrdr-shared:rw"]
                environment: {KTRDR_API_CLIENT_BASE_URL: "http://backend.ktrdr.home.mynerd.place:8000", \
            KTRDR_WORKER_TYPE: TYPE, KTRDR_WORKER_PORT: PORT,
                  KTRDR_WORKER_PUBLIC_BASE_URL: "http://HOST.ktrdr.home.mynerd.place:PORT", KTRDR_DB_HOST: \
            backend.ktrdr.home.mynerd.place, KTRDR_DB_PORT: 5432, KTRDR_DB_NAME: ktrdr,
                  KTRDR_DB_USER: "${KTRDR_DB_USER}", KTRDR_DB_PASSWORD: "${KTRDR_DB_PASSWORD}", \
            KTRDR_API_ENVIRONMENT: staging, KTRDR_CHECKPOINT_DIR: /mnt/ktrdr-shared/checkpoints}
                command: [python, -m, uvicorn, "MODULE:app", --host, 0.0.0.0, --port, "PORT"]
            """;

    private Handmade() {}

    /**
     * Core's, in the folder that the toolkit also uses; the toolkit knows none of its containers. Its images must be on
     * the host.
     */
    public static void core(boolean dataInTheContainer) {
        up("core", "/opt/ktrdr-core", "docker-compose.core.yml",
                CORE.replace("PGDATA}", dataInTheContainer ? ", PGDATA: /home/postgres/its-own}" : "}"),
                "db backend",
                "mkdir -p monitoring && printf 'global: {scrape_interval: 7s}\\n' >monitoring/prometheus.yml\n");
    }

    /** One worker of each type, in a project named after its folder. */
    public static void workers(String host) {
        var workers = WORKER.replace("KIND", "backtest").replace("PORT", "5003").replace("TYPE", "backtesting")
                .replace("MODULE", "ktrdr.backtesting.backtest_worker")
                + WORKER.replace("KIND", "training").replace("PORT", "5005").replace("TYPE", "training")
                        .replace("MODULE", "ktrdr.training.training_worker");
        up(host, "/root/ktrdr-" + host, "docker-compose.yml", "services:\n" + workers.replace("HOST", host), "", "");
    }

    private static void up(String host, String folder, String file, String compose, String waited, String more) {
        var secrets = World.secretFields();
        var environment = "KTRDR_DB_USER=ktrdr KTRDR_DB_PASSWORD='" + secrets.get("db_password")
                + "' KTRDR_AUTH_JWT_SECRET='" + secrets.get("jwt_secret")
                + "' GF_ADMIN_PASSWORD='" + secrets.get("grafana_password") + "'";
        World.on(host, "mkdir -p " + folder + " && cd " + folder + "\n" + more + "base64 -d >" + file + " <<'E'\n"
                + Base64.getEncoder().encodeToString(compose.replace("REGISTRY", REGISTRY).getBytes()) + "\nE\n"
                + environment + " docker compose -f " + file + " up -d"
                + (waited.isEmpty() ? "" : " --wait --wait-timeout 90 " + waited) + " 2>&1\n" + environment
                + " docker compose -f " + file + " up -d 2>&1");
    }

    /** Removes all of it. */
    public static void gone(String host) {
        World.bare(host);
        World.on(host, "rm -rf /root/ktrdr-* /opt/ktrdr-*; docker image ls -q ktrdr-before-takeover | xargs -r docker "
                + "rmi -f >/dev/null");
    }
}
