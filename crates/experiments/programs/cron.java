// A task that an executor of the JVM runs again and again, in a thread of its own; it says each time where it runs.
//
// It ends with its standard input, or when it is killed.
import java.io.File;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

class Cron {
    static int threads() {
        String[] tasks = new File("/proc/self/task").list();
        return tasks == null ? 0 : tasks.length;
    }

    // One write for each line, so that two threads never mix theirs.
    static synchronized void say(String kind, String at) {
        Thread thread = Thread.currentThread();
        System.out.print(kind + " " + ProcessHandle.current().pid() + " " + thread.getId() + " " + threads() + " "
            + at + thread.getName().replace(' ', '-') + "\n");
        System.out.flush();
    }

    public static void main(String[] arguments) throws Exception {
        long every = 10;
        for (String word : arguments) {
            if (word.startsWith("every_ms=")) every = (long) Double.parseDouble(word.substring("every_ms=".length()));
        }
        say("PLANNED", "");
        ScheduledExecutorService executor = Executors.newScheduledThreadPool(2);
        Runnable task = () -> say("RAN", System.nanoTime() + " ");
        executor.scheduleAtFixedRate(task, every, every, TimeUnit.MILLISECONDS);
        while (System.in.read() >= 0) {
            // Nothing is written to it: it ends.
        }
        System.exit(0);
    }
}
