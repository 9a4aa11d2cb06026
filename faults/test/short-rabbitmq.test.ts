import { testShortForm } from './test-short-form.ts';

testShortForm('rabbitmq');
