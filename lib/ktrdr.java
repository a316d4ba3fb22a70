// The one header of the toolkit: a script that says `//SOURCES ../lib/ktrdr.java` (or `//SOURCES lib@ktrdr` from
// anywhere) has the Java version, every dependency, every class of the library and every template.

//SOURCES library.java
// most of a procedure is its start: it ends before the second compiler and the parallel collector have paid for
// themselves
//RUNTIME_OPTIONS -XX:TieredStopAtLevel=1 -XX:+UseSerialGC
// otherwise a heap begins with a 64th of the machine's memory, and fills it before anything is collected
//RUNTIME_OPTIONS -Xms64m
// memory with secrets in it goes to no disk when the JVM breaks: neither as a core dump nor in its report
//RUNTIME_OPTIONS -XX:-CreateCoredumpOnCrash -XX:ErrorFile=/dev/null
