import { createClient, type ClientOptions } from '@anymq/core';
import type { Capabilities, Driver, Limits } from '@anymq/core/driver';
import { createCountingClock } from './counting-clock.ts';
import { createGate, type Gate } from './gate.ts';
import type { Harness } from './harness.ts';
import type { Member } from './member.ts';
import { mortal } from './mortal.ts';
import { RunLog } from './run-log.ts';

export interface CaseSettings {
  readonly harness: Harness;
  readonly namespace: string;
  readonly capabilities: Capabilities;
  readonly limits: Limits;
  readonly timeScale: number;
}

export interface ConnectOptions extends Omit<ClientOptions, 'clock' | 'onEvent'> {
  readonly namespace?: string;
  /** Changes the driver, for what a healthy one cannot be made to do. */
  readonly wrap?: (driver: Driver) => Driver;
  readonly onEvent?: ClientOptions['onEvent'];
}

const defaultWithinMs = 20_000;

/** The processes of a case, as the suite plays them, and what they wait for. */
export class CaseMembers implements CaseSettings {
  readonly harness: Harness;
  readonly namespace: string;
  readonly capabilities: Capabilities;
  readonly limits: Limits;
  readonly timeScale: number;
  readonly log: RunLog = new RunLog();
  readonly members: Member[] = [];
  readonly drivers: Driver[] = [];
  readonly gates: Gate[] = [];
  readonly signals: AbortSignal[] = [];

  constructor(settings: CaseSettings) {
    this.harness = settings.harness;
    this.namespace = settings.namespace;
    this.capabilities = settings.capabilities;
    this.limits = settings.limits;
    this.timeScale = settings.timeScale;
  }

  /** An upper bound for how long something may take. Never how long something has to take. */
  within(ms: number = defaultWithinMs): number {
    return ms * this.timeScale;
  }

  async connect({ namespace = this.namespace, wrap, onEvent, ...options }: ConnectOptions = {}): Promise<Member> {
    const driver = await this.harness.createDriver(namespace);
    const clock = createCountingClock();
    const name = `m${this.members.length + 1}`;
    const process = mortal(wrap?.(driver) ?? driver);
    const client = await createClient(process.driver, {
      ...options,
      clock,
      onEvent: (event) => {
        this.log.event(name, event);
        onEvent?.(event);
      },
    });
    const life = { crashed: false, die: () => process.die(), buried: createGate() };
    const member: Member = { name, client, driver, clock, consumers: [], ...life };
    this.members.push(member);
    return member;
  }

  /** A driver without a client, closed at the end of the case. */
  async driver(): Promise<Driver> {
    const driver = await this.harness.createDriver(this.namespace);
    this.drivers.push(driver);
    return driver;
  }

  /** Kills the member's process: its handlers never return, its driver is abandoned. */
  async crash(member: Member): Promise<void> {
    member.crashed = true;
    for (const run of this.log.runs) {
      if (run.member === member.name && run.result === 'running') this.log.ended(run, 'died');
    }
    member.die();
    await this.harness.crash(member.driver);
  }

  /** Stops the member's consumers: what they had is settled afterwards. */
  async stopped(member: Member): Promise<void> {
    await Promise.all(member.consumers.map((consumer) => consumer.stop()));
  }

  gate(): Gate {
    const gate = createGate();
    this.gates.push(gate);
    return gate;
  }

  /** At the end of the case nobody may be listening to its signal. */
  abortable(): AbortController {
    const controller = new AbortController();
    this.signals.push(controller.signal);
    return controller;
  }

  /** Woken by handler starts and ends and by client events. `what` completes "it did not happen that …". */
  until(what: string, predicate: () => boolean, withinMs?: number): Promise<void> {
    return this.log.until(what, predicate, this.within(withinMs));
  }

  /** For a case in which time itself is tested, or where only a declared window can show that something does not happen. */
  pass(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms));
  }
}
