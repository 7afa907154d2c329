// SPDX-License-Identifier: Apache-2.0
/* mailbox: a stack that senders push to and the receiver takes whole, then turns round. */

#include "net/mailbox.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void run_all(struct mailbox *mailbox)
{
	struct mail *mail = atomic_exchange_explicit(&mailbox->newest, NULL, memory_order_acquire);
	struct mail *oldest = NULL;

	while (mail) {
		struct mail *next = mail->next;

		mail->next = oldest;
		oldest = mail;
		mail = next;
	}
	while (oldest) {
		mail = oldest;
		oldest = mail->next;
		mail->run(mail);
	}
}

static void on_ready(struct loop_io *io)
{
	struct mailbox *mailbox = (struct mailbox *)((char *)io - offsetof(struct mailbox, io));
	uint64_t count;

	/* Emptied before the stack is taken: a post after that raises it again. */
	if (read(io->fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return;
	run_all(mailbox);
}

int mailbox_open(struct mailbox *mailbox, struct loop *loop)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	*mailbox = (struct mailbox){.io = {.fd = fd, .on_ready = on_ready}};
	int error = loop_add_level(loop, &mailbox->io);

	if (error) {
		close(fd);
		mailbox->io.fd = -1;
	}
	return error;
}

void mailbox_close(struct mailbox *mailbox, struct loop *loop)
{
	int fd = mailbox->io.fd;

	if (fd < 0)
		return;
	run_all(mailbox);
	loop_forget(loop, &mailbox->io);
	close(fd);
}

void mailbox_post(struct mailbox *mailbox, struct mail *mail)
{
	struct mail *newest = atomic_load_explicit(&mailbox->newest, memory_order_relaxed);
	uint64_t one = 1;

	do {
		mail->next = newest;
	} while (!atomic_compare_exchange_weak_explicit(
		&mailbox->newest, &newest, mail, memory_order_release, memory_order_relaxed));
	/* Not empty before: somebody else's wake-up is under way. A full counter is a wake-up too.
	 */
	if (!newest && write(mailbox->io.fd, &one, sizeof(one)) < 0)
		return;
}
