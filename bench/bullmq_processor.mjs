// A job in a process of its own; it says when it began.
export default async () => `${process.hrtime.bigint()}`;
