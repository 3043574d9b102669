"""Parts that pages are made of.

card, elided_label, key_value, role_symbol, message_bar   small parts
form, editors, fields                                     a form generated from the study's pydantic models
rail, top_bar, palette                                    the window's frame
job_card                                                  a job's row in the queue, drawn by a delegate
chart*                                                    charts drawn from a ChartSpec
"""
