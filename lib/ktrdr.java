// The one header of the toolkit: a script that says `//SOURCES ../lib/ktrdr.java` (or `//SOURCES lib@ktrdr` from anywhere) has
// the Java version, every dependency, every class of the library and every template.

//JAVA 17+
//JAVAC_OPTIONS --release 17

//DEPS info.picocli:picocli:4.7.7
//DEPS com.hierynomus:sshj:0.40.0
//DEPS com.squareup.okhttp3:okhttp:4.12.0
//DEPS com.fasterxml.jackson.dataformat:jackson-dataformat-yaml:2.22.0
//DEPS com.samskivert:jmustache:1.16
//DEPS io.github.java-diff-utils:java-diff-utils:4.16
//DEPS org.slf4j:slf4j-nop:2.0.17

//SOURCES ktrdr/Backend.java
//SOURCES ktrdr/Check.java
//SOURCES ktrdr/Checks.java
//SOURCES ktrdr/Cli.java
//SOURCES ktrdr/Console.java
//SOURCES ktrdr/Deployment.java
//SOURCES ktrdr/Dns.java
//SOURCES ktrdr/Docker.java
//SOURCES ktrdr/Exit.java
//SOURCES ktrdr/Facts.java
//SOURCES ktrdr/Fleet.java
//SOURCES ktrdr/Gate.java
//SOURCES ktrdr/HostKeys.java
//SOURCES ktrdr/HostFacts.java
//SOURCES ktrdr/Http.java
//SOURCES ktrdr/Infra.java
//SOURCES ktrdr/InfraRecord.java
//SOURCES ktrdr/Inventory.java
//SOURCES ktrdr/InventoryReader.java
//SOURCES ktrdr/InventorySection.java
//SOURCES ktrdr/Local.java
//SOURCES ktrdr/Lock.java
//SOURCES ktrdr/Locks.java
//SOURCES ktrdr/Mount.java
//SOURCES ktrdr/Nearest.java
//SOURCES ktrdr/NfsFacts.java
//SOURCES ktrdr/NfsFiles.java
//SOURCES ktrdr/NfsObstacles.java
//SOURCES ktrdr/NfsPlan.java
//SOURCES ktrdr/NfsProof.java
//SOURCES ktrdr/NfsSetup.java
//SOURCES ktrdr/NodeFacts.java
//SOURCES ktrdr/NodeFiles.java
//SOURCES ktrdr/Problem.java
//SOURCES ktrdr/Release.java
//SOURCES ktrdr/Result.java
//SOURCES ktrdr/Rollout.java
//SOURCES ktrdr/Secrets.java
//SOURCES ktrdr/Sh.java
//SOURCES ktrdr/Ssh.java
//SOURCES ktrdr/SshAgent.java
//SOURCES ktrdr/SshAlgorithms.java
//SOURCES ktrdr/SshConfig.java
//SOURCES ktrdr/SshConnect.java
//SOURCES ktrdr/SshLogin.java
//SOURCES ktrdr/SshRoute.java
//SOURCES ktrdr/SshRun.java
//SOURCES ktrdr/SshWire.java
//SOURCES ktrdr/Stack.java
//SOURCES ktrdr/Staging.java
//SOURCES ktrdr/StagingScript.java
//SOURCES ktrdr/Table.java
//SOURCES ktrdr/Templates.java
//SOURCES ktrdr/Units.java
//SOURCES ktrdr/Yaml.java

//FILES templates/core/docker-compose.core.yml=../templates/core/docker-compose.core.yml
//FILES templates/core/.env.core=../templates/core/.env.core
//FILES templates/workers/docker-compose.workers.yml=../templates/workers/docker-compose.workers.yml
//FILES templates/workers/.env.workers=../templates/workers/.env.workers
//FILES templates/monitoring/prometheus.yml=../templates/monitoring/prometheus.yml
//FILES templates/monitoring/grafana/provisioning/datasources/datasources.yml=../templates/monitoring/grafana/provisioning/datasources/datasources.yml
