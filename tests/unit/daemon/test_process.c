/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Children get nothing of ours, their words and codes come back, and a stranger is not taken for our
 * nginx.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/process.h"

static int run(const char *script, struct oft_buffer *out)
{
    char *arguments[] = {"/bin/sh", "-c", (char *)(uintptr_t)script, NULL};
    struct oft_error error = {0};
    int code = -1;
    oft_buffer_init(out, 1 << 16);
    assert_int_equal(process_run(arguments, out, &code, &error), OFT_OK);
    return code;
}

static void a_childs_words_and_code_come_back(void **state)
{
    struct oft_buffer out;
    (void)state;
    assert_int_equal(run("echo told; echo wrong >&2; exit 9", &out), 9);
    assert_string_equal(oft_buffer_text(&out), "told\nwrong\n");
    oft_buffer_release(&out);
    assert_int_equal(run("kill -9 $$", &out), 128 + 9);
    oft_buffer_release(&out);
}

static void a_program_that_is_not_there_is_127(void **state)
{
    char *arguments[] = {"/nowhere/nginx", NULL};
    struct oft_buffer out;
    struct oft_error error = {0};
    int code = -1;
    (void)state;
    oft_buffer_init(&out, 4096);
    assert_int_equal(process_run(arguments, &out, &code, &error), OFT_OK);
    assert_int_equal(code, 127);
    oft_buffer_release(&out);
}

static void a_child_inherits_no_secret_no_descriptor_and_no_signal_mask(void **state)
{
    struct oft_buffer out;
    (void)state;
    assert_int_equal(setenv("OFFTAKE_TEST_SECRET", "sk-very-secret", 1), 0);
    int leaked = open("/dev/null", O_RDONLY); /* deliberately without O_CLOEXEC */
    assert_true(leaked > 2);
    assert_int_equal(
        run("env; echo open:; ls /proc/$$/fd; exec grep -E 'Sig(Blk|Ign)' /proc/self/status", &out),
        0);
    const char *text = oft_buffer_text(&out);
    assert_null(strstr(text, "sk-very-secret"));
    assert_non_null(strstr(text, "PATH="));
    assert_non_null(strstr(text, "SigBlk:\t0000000000000000"));
    char descriptor[16];
    (void)snprintf(descriptor, sizeof descriptor, "\n%d\n", leaked);
    assert_null(strstr(strstr(text, "open:"), descriptor));
    (void)close(leaked);
    oft_buffer_release(&out);
}

static void a_child_leads_a_process_group_of_its_own(void **state)
{
    char *arguments[] = {"/bin/sh", "-c", "exec cat", NULL};
    struct oft_error error = {0};
    pid_t pid;
    int fd;
    (void)state;
    assert_int_equal(process_start(arguments, -1, &pid, &error), OFT_OK);
    assert_int_equal(getpgid(pid), pid);
    assert_int_equal(process_watch(pid, &fd, &error), OFT_OK);
    (void)kill(pid, SIGKILL);
    struct pollfd ended = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&ended, 1, 10000), 1);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    (void)close(fd);
}

static void we_are_not_nginx(void **state)
{
    (void)state;
    assert_false(process_is_our_nginx(getpid(), "/data/run/nginx.conf"));
    assert_false(process_is_our_nginx(0x7ffffff0, "/data/run/nginx.conf"));
}

/* Starts a sleeper whose command line reads TITLE. */
static pid_t sleeper_start(const char *title)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        char *arguments[] = {(char *)(uintptr_t)title, "60", NULL};
        (void)signal(SIGQUIT, SIG_DFL); /* a shell that put us into the background ignores it */
        execv("/bin/sleep", arguments);
        _exit(127);
    }
    char path[64], text[256];
    (void)snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    for (;;) { /* until exec has happened; it fails loudly or soon shows the title */
        FILE *file = fopen(path, "re");
        assert_non_null(file);
        size_t got = fread(text, 1, sizeof text - 1, file);
        (void)fclose(file);
        text[got] = '\0';
        if (strcmp(text, title) == 0) {
            return pid;
        }
        assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
    }
}

static void only_a_master_with_our_configuration_is_ours(void **state)
{
    static const struct {
        const char *title;
        bool ours;
    } TITLES[] = {
        {"nginx: master process /usr/sbin/nginx -e stderr -c /data/run/nginx.conf", true},
        {"nginx: master process /usr/sbin/nginx -c /other/run/nginx.conf", false},
        {"nginx: master process /usr/sbin/nginx -c /data/run/nginx.conf.old", false},
        {"nginx: master process /usr/sbin/nginx -c /x/data/run/nginx.conf", false},
        {"nginx: worker process /data/run/nginx.conf", false},
        {"vi /data/run/nginx.conf", false},
    };
    (void)state;
    for (size_t i = 0; i < OFT_COUNT_OF(TITLES); i++) {
        pid_t pid = sleeper_start(TITLES[i].title);
        bool ours = process_is_our_nginx(pid, "/data/run/nginx.conf");
        (void)kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        assert_int_equal(ours, TITLES[i].ours);
    }
}

static void workers_without_a_master_are_told_to_finish(void **state)
{
    struct process_workers known = {0};
    (void)state;
    pid_t worker = sleeper_start("nginx: worker process");
    pid_t stranger = sleeper_start("nginx: worker process");
    int status = 0;
    process_workers_note(getpid(), &known);
    assert_int_equal(known.count, 2);
    known.count = 1;
    known.pids[0] = worker;
    assert_int_equal(process_orphans_quit("/data/run", &known), 1);
    assert_int_equal(waitpid(worker, &status, 0), worker);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGQUIT);
    assert_int_equal(waitpid(stranger, NULL, WNOHANG), 0);
    (void)kill(stranger, SIGKILL);
    assert_int_equal(waitpid(stranger, NULL, 0), stranger);
}

static void a_pid_file_gives_a_pid_or_none(void **state)
{
    static const struct {
        const char *text;
        pid_t pid;
    } FILES[] = {{"1234\n", 1234}, {"", 0},    {"x\n", 0},
                 {"-5\n", 0},      {"1\n", 0}, {"99999999999999999999\n", 0}};
    char path[] = "/tmp/oft-pid-XXXXXX";
    int fd = mkstemp(path);
    (void)state;
    assert_true(fd >= 0);
    for (size_t i = 0; i < OFT_COUNT_OF(FILES); i++) {
        size_t length = strlen(FILES[i].text);
        assert_int_equal(ftruncate(fd, 0), 0);
        assert_int_equal(pwrite(fd, FILES[i].text, length, 0), (ssize_t)length);
        assert_int_equal(process_pid_read(path), FILES[i].pid);
    }
    (void)close(fd);
    (void)unlink(path);
    assert_int_equal(process_pid_read(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_childs_words_and_code_come_back),
        cmocka_unit_test(a_program_that_is_not_there_is_127),
        cmocka_unit_test(a_child_inherits_no_secret_no_descriptor_and_no_signal_mask),
        cmocka_unit_test(a_child_leads_a_process_group_of_its_own),
        cmocka_unit_test(we_are_not_nginx),
        cmocka_unit_test(only_a_master_with_our_configuration_is_ours),
        cmocka_unit_test(workers_without_a_master_are_told_to_finish),
        cmocka_unit_test(a_pid_file_gives_a_pid_or_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
